import {
  ApplicationCommandType,
  ApplicationIntegrationType,
  ChannelType,
  InteractionContextType,
  Locale,
  ApplicationCommandOptionType as Option,
} from "discord.js";
import { z } from "zod";
import { text } from "./component-rules.ts";
import { formError, parseForm } from "./refusal.ts";

/** Discord's pattern for slash command and option names; letters with case must be lower case. */
const slashName = text(1, 32)
  .regex(/^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]+$/u, "Command name is invalid")
  .refine((name) => name === name.toLowerCase(), "Command name is invalid: use lower case");

/** Texts by locale, each under the rule of the text that they translate. */
const translations = (schema: z.ZodType<string>) => z.partialRecord(z.enum(Locale), schema).nullish();

const Choice = z.object({
  name: text(1, 100),
  name_localizations: translations(text(1, 100)),
  value: z.union([text(1, 100), z.number()]),
});
export type Choice = z.infer<typeof Choice>;

interface OptionForm {
  readonly type: number;
  readonly name: string;
  readonly required?: boolean | undefined;
  readonly options?: readonly OptionForm[] | undefined;
  readonly [key: string]: unknown;
}

const named = {
  name: slashName,
  name_localizations: translations(slashName),
  description: text(1, 100),
  description_localizations: translations(text(1, 100)),
};

const leafTypes = [
  Option.String,
  Option.Integer,
  Option.Boolean,
  Option.User,
  Option.Channel,
  Option.Role,
  Option.Mentionable,
  Option.Number,
  Option.Attachment,
] as const;

const leafFields = {
  type: z.literal(leafTypes),
  ...named,
  required: z.boolean().optional(),
  choices: z.array(Choice).max(25).optional(),
  autocomplete: z.boolean().optional(),
  min_value: z.number().optional(),
  max_value: z.number().optional(),
  min_length: z.int().min(0).max(6000).optional(),
  max_length: z.int().min(1).max(6000).optional(),
  channel_types: z.array(z.enum(ChannelType)).optional(),
};

const Leaf = z.object(leafFields).superRefine((option, context) => {
  if (option.autocomplete && option.choices && option.choices.length > 0) {
    context.addIssue({
      code: "custom",
      path: ["autocomplete"],
      message: "Autocomplete and choices are mutually exclusive",
      params: { code: "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE" },
    });
  }
  if (option.autocomplete && ![Option.String, Option.Integer, Option.Number].includes(option.type)) {
    context.addIssue({ code: "custom", path: ["autocomplete"], message: "This option type cannot autocomplete" });
  }
});

const leaves = z.array(Leaf).max(25).superRefine(checkOrder);

const Subcommand = z.object({
  type: z.literal(Option.Subcommand),
  ...named,
  options: leaves.optional(),
});

const SubcommandGroup = z.object({
  type: z.literal(Option.SubcommandGroup),
  ...named,
  options: z.array(Subcommand).max(25).superRefine(checkOrder).optional(),
});

const optionList = z
  .array(z.discriminatedUnion("type", [Leaf, Subcommand, SubcommandGroup]))
  .max(25)
  .superRefine(checkOrder);

function checkOrder(
  options: readonly { name: string; required?: boolean | undefined }[],
  context: z.RefinementCtx,
): void {
  const names = options.map((option) => option.name);
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) !== index) {
      context.addIssue({
        code: "custom",
        path: [index, "name"],
        message: "Option names must be unique",
        params: { code: "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS" },
      });
    }
    if (options[index]?.required && options.slice(0, index).some((option) => !option.required)) {
      context.addIssue({
        code: "custom",
        path: [index],
        message: "Required options must be placed before non-required options",
        params: { code: "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID" },
      });
    }
  }
}

const common = {
  default_member_permissions: z.string().regex(/^\d+$/).nullish(),
  nsfw: z.boolean().optional(),
  contexts: z.array(z.enum(InteractionContextType)).nullish(),
  integration_types: z.array(z.enum(ApplicationIntegrationType)).optional(),
};

const ChatInput = z.object({
  ...common,
  type: z.literal(ApplicationCommandType.ChatInput).default(ApplicationCommandType.ChatInput),
  name: slashName,
  name_localizations: translations(slashName),
  description: text(1, 100),
  description_localizations: translations(text(1, 100)),
  options: optionList.optional(),
});

const ContextMenu = z.object({
  ...common,
  type: z.union([z.literal(ApplicationCommandType.User), z.literal(ApplicationCommandType.Message)]),
  name: text(1, 32),
  name_localizations: translations(text(1, 32)),
  description: z.literal("").optional(),
  options: z.array(z.never()).max(0).optional(),
});

/** Checks one application command: names, lengths, 25 options and their order, choices, 8,000 characters in all.
 * @throws Refusal 50035 */
export function checkCommand(payload: unknown, prefix: readonly string[] = []): CommandForm {
  const type = (payload as { type?: unknown } | null)?.type ?? ApplicationCommandType.ChatInput;
  const command =
    type === ApplicationCommandType.ChatInput
      ? parseForm(ChatInput, payload, prefix)
      : parseForm(ContextMenu, payload, prefix);
  const size = commandCharacters(command as unknown as OptionForm);
  if (size > 8000) {
    throw formError(prefix, "APPLICATION_COMMAND_TOO_LARGE", `Command exceeds maximum size of 8000 (${size})`);
  }
  return command;
}
export type CommandForm = z.infer<typeof ChatInput> | z.infer<typeof ContextMenu>;

/** Commands of one type that an application may have. */
export const maxCommands: Readonly<Record<number, number>> = {
  [ApplicationCommandType.ChatInput]: 100,
  [ApplicationCommandType.User]: 15,
  [ApplicationCommandType.Message]: 15,
};

export const maxDailyCreates = 200;

/** Characters of names, descriptions and choice values, options included. */
function commandCharacters(command: OptionForm): number {
  const own = command.name.length + String(command["description"] ?? "").length;
  const choices = (command["choices"] as readonly Choice[] | undefined) ?? [];
  const ofChoices = choices.reduce((sum, choice) => sum + choice.name.length + String(choice.value).length, 0);
  return own + ofChoices + (command.options ?? []).reduce((sum, option) => sum + commandCharacters(option), 0);
}
