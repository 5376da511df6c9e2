import { ApplicationCommandType, ApplicationCommandOptionType as Option } from "discord.js";
import { commandsOf } from "./commands-api.ts";
import type { AnyComponent } from "./component-rules.ts";
import { storeAttachment } from "./messages.ts";
import { attachmentPayload } from "./payloads.ts";
import type { Channel, RegisteredCommand, World } from "./world.ts";

/** A file that a member attaches. */
export interface MemberFile {
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export type OptionValue = string | number | boolean | MemberFile;

/** The registered command of this name and type. @throws Error when there is none */
export function findCommand(world: World, channel: Channel, name: string, type: number): RegisteredCommand {
  const all = [...commandsOf(world, channel.guildId), ...commandsOf(world, undefined)];
  const command = all.find(({ form }) => form.name === name && form.type === type);
  if (command === undefined) throw new Error(`no command ${JSON.stringify(name)} is registered`);
  return command;
}

interface OptionForm {
  readonly type: number;
  readonly name: string;
  readonly required?: boolean;
  readonly autocomplete?: boolean;
  readonly min_value?: number;
  readonly max_value?: number;
  readonly min_length?: number;
  readonly max_length?: number;
  readonly choices?: readonly { readonly value: string | number }[];
  readonly options?: readonly OptionForm[];
}

/** `data` of a slash command, checked as the client checks what its user typed. */
export function typeCommand(
  world: World,
  channel: Channel,
  command: RegisteredCommand,
  text: string,
  values: Readonly<Record<string, OptionValue>>,
  focused: string | undefined,
): AnyComponent {
  const attachments: Record<string, object> = {};
  const [, subcommand] = text.split(" ");
  let forms = ("options" in command.form ? command.form.options : undefined) as readonly OptionForm[] | undefined;
  if (subcommand !== undefined) {
    const found = forms?.find((form) => form.name === subcommand && form.type === Option.Subcommand);
    if (found === undefined) throw new Error(`/${text}: no such subcommand`);
    forms = found.options;
  }
  const missing = (forms ?? []).find((form) => form.required && values[form.name] === undefined);
  if (missing !== undefined && focused === undefined) throw new Error(`/${text}: option ${missing.name} is required`);
  const options = Object.entries(values).map(([name, value]) => {
    const form = forms?.find((candidate) => candidate.name === name);
    if (form === undefined) throw new Error(`/${text}: no option ${name}`);
    if (focused === name && form.autocomplete !== true) throw new Error(`/${text}: ${name} does not autocomplete`);
    // What is still being typed need not be complete.
    const sent = focused === name ? value : optionValue(world, channel, form, value, attachments);
    return { name, type: form.type, value: sent, ...(focused === name ? { focused: true } : {}) };
  });
  return {
    id: command.id,
    name: command.form.name,
    type: ApplicationCommandType.ChatInput,
    options: subcommand === undefined ? options : [{ name: subcommand, type: Option.Subcommand, options }],
    ...(Object.keys(attachments).length > 0 ? { resolved: { attachments } } : {}),
  };
}

function optionValue(
  world: World,
  channel: Channel,
  form: OptionForm,
  value: OptionValue,
  attachments: Record<string, object>,
): string | number | boolean {
  if (typeof value === "object") {
    if (form.type !== Option.Attachment) throw new Error(`${form.name} takes no file`);
    const stored = storeAttachment(world, channel.id, { index: "0", ...value });
    attachments[stored.id] = { ...attachmentPayload(world, stored), ephemeral: true };
    return stored.id;
  }
  const expected = {
    [Option.String]: "string",
    [Option.Boolean]: "boolean",
    [Option.Integer]: "number",
    [Option.Number]: "number",
  };
  if (typeof value !== (expected as Record<number, string>)[form.type])
    throw new Error(`${form.name} has another type`);
  const size = typeof value === "string" ? value.length : Number(value);
  const [min, max] = typeof value === "string" ? [form.min_length, form.max_length] : [form.min_value, form.max_value];
  if (size < (min ?? size) || size > (max ?? size)) throw new Error(`${form.name} must be from ${min} to ${max}`);
  if (form.type === Option.Integer && !Number.isInteger(value)) throw new Error(`${form.name} must be a whole number`);
  const isChoice =
    form.choices === undefined || form.choices.length === 0 || form.choices.some((choice) => choice.value === value);
  if (!isChoice) throw new Error(`${form.name} must be one of its choices`);
  return value;
}
