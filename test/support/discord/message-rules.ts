import { MessageFlags } from "discord.js";
import { z } from "zod";
import { type AnyComponent, LegacyComponents, Snowflake, text, V2Components, walk } from "./component-rules.ts";
import { formError, parseForm, refusals } from "./refusal.ts";

/** A file of a multipart request: its number in `files[n]`, name and bytes. */
export interface Upload {
  readonly index: string;
  readonly name: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export const maxFileBytes = 10 * 1024 * 1024;
export const maxRequestBytes = 25 * 1024 * 1024;

const Embed = z.object({
  title: text(0, 256).optional(),
  description: text(0, 4096).optional(),
  url: z.url().optional(),
  color: z.number().int().min(0).max(0xffffff).optional(),
  footer: z.object({ text: text(1, 2048) }).optional(),
  image: z.object({ url: text(1, 2048) }).optional(),
  thumbnail: z.object({ url: text(1, 2048) }).optional(),
  author: z.object({ name: text(1, 256) }).optional(),
  fields: z
    .array(z.object({ name: text(1, 256), value: text(1, 1024), inline: z.boolean().optional() }))
    .max(25)
    .optional(),
});

const AllowedMentions = z
  .object({
    parse: z.array(z.enum(["roles", "users", "everyone"])).optional(),
    roles: z.array(Snowflake).max(100).optional(),
    users: z.array(Snowflake).max(100).optional(),
    replied_user: z.boolean().optional(),
  })
  .superRefine((mentions, context) => {
    for (const kind of ["users", "roles"] as const) {
      if (mentions.parse?.includes(kind) && (mentions[kind]?.length ?? 0) > 0) {
        context.addIssue({
          code: "custom",
          path: ["parse"],
          message: `parse:["${kind}"] and ${kind}: [ids...] are mutually exclusive.`,
          params: { code: "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE" },
        });
      }
    }
  });

const MessageForm = z.object({
  content: text(0, 2000).nullish(),
  nonce: z.union([text(0, 25), z.int()]).nullish(),
  enforce_nonce: z.boolean().optional(),
  tts: z.boolean().optional(),
  embeds: z.array(Embed).max(10).nullish(),
  allowed_mentions: AllowedMentions.nullish(),
  components: z.array(z.looseObject({ type: z.int() })).nullish(),
  flags: z.int().min(0).optional(),
  attachments: z
    .array(
      z.object({
        id: z.union([Snowflake, z.int()]).transform(String),
        filename: text(1, 1024).optional(),
        description: text(0, 1024).nullish(),
      }),
    )
    .max(10)
    .nullish(),
});
export type MessageForm = z.infer<typeof MessageForm>;

/** What a message already has when it is edited. */
export interface Before {
  readonly flags: number;
  readonly content: string;
  readonly embeds: number;
  readonly attachments: readonly { readonly id: string; readonly filename: string }[];
}

/** Flags that a sender may set, by route. */
export type FlagRule = "channel" | "interaction" | "edit";

const settable: Readonly<Record<FlagRule, number>> = {
  channel: MessageFlags.SuppressEmbeds | MessageFlags.SuppressNotifications | MessageFlags.IsComponentsV2,
  interaction:
    MessageFlags.SuppressEmbeds |
    MessageFlags.SuppressNotifications |
    MessageFlags.IsComponentsV2 |
    MessageFlags.Ephemeral,
  edit: MessageFlags.SuppressEmbeds | MessageFlags.IsComponentsV2,
};

/** Checks the body of a message that is sent or edited. @throws Refusal 50035, 50006, 40005 */
export function checkMessage(
  payload: unknown,
  files: readonly Upload[],
  rule: FlagRule,
  before?: Before,
  prefix: readonly string[] = [],
): MessageForm {
  for (const file of files) if (file.bytes.byteLength > maxFileBytes) throw refusals.tooLarge();
  const form = parseForm(MessageForm, payload, prefix);
  const flags = form.flags ?? 0;
  if ((flags & ~settable[rule]) !== 0) {
    throw formError(
      [...prefix, "flags"],
      "MESSAGE_FLAGS_INVALID",
      `These flags cannot be set here: ${flags & ~settable[rule]}`,
    );
  }
  const isV2 = ((flags | (before?.flags ?? 0)) & MessageFlags.IsComponentsV2) !== 0;
  checkAttachments(form, files, before, prefix);
  if (isV2) checkV2(form, before, prefix);
  else if (form.components) parseForm(LegacyComponents, form.components, [...prefix, "components"]);
  checkMedia(form, files, before, prefix);
  if (!isV2 && (form.embeds ?? []).reduce((sum, embed) => sum + embedCharacters(embed), 0) > 6000) {
    throw formError([...prefix, "embeds"], "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
  }
  if (isEmpty(form, files, before)) throw refusals.emptyMessage();
  return form;
}

function checkV2(form: MessageForm, before: Before | undefined, prefix: readonly string[]): void {
  const leftContent = form.content === undefined ? (before?.content ?? "") : form.content;
  const leftEmbeds = form.embeds === undefined ? (before?.embeds ?? 0) : (form.embeds?.length ?? 0);
  for (const [key, used] of [
    ["content", Boolean(leftContent)],
    ["embeds", leftEmbeds > 0],
  ] as const) {
    if (used) {
      throw formError(
        [...prefix, key],
        "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
        `The '${key}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2`,
      );
    }
  }
  if (form.components) parseForm(V2Components, form.components, [...prefix, "components"]);
}

function checkAttachments(
  form: MessageForm,
  files: readonly Upload[],
  before: Before | undefined,
  prefix: readonly string[],
): void {
  const kept = keptAttachments(form, before);
  if (kept.length + files.length > 10) {
    throw formError([...prefix, "attachments"], "BASE_TYPE_BAD_LENGTH", "Must be 10 or fewer in length.");
  }
  const known = new Set([...kept.map((attachment) => attachment.id), ...files.map((file) => file.index)]);
  for (const [index, attachment] of (form.attachments ?? []).entries()) {
    if (!known.has(attachment.id)) {
      throw formError(
        [...prefix, "attachments", index, "id"],
        "ATTACHMENT_NOT_FOUND",
        `Attachment ${attachment.id} was not found`,
      );
    }
  }
}

/** Attachments that an edit keeps: all of them unless `attachments` lists which. */
export function keptAttachments(form: MessageForm, before: Before | undefined): Before["attachments"] {
  if (before === undefined) return [];
  if (form.attachments === undefined) return before.attachments;
  const listed = new Set((form.attachments ?? []).map((attachment) => attachment.id));
  return before.attachments.filter((attachment) => listed.has(attachment.id));
}

/** Every `attachment://name` must be the name of a file that the message has. */
function checkMedia(
  form: MessageForm,
  files: readonly Upload[],
  before: Before | undefined,
  prefix: readonly string[],
): void {
  const names = new Set([
    ...files.map((file) => file.name),
    ...keptAttachments(form, before).map((attachment) => attachment.filename),
  ]);
  const places: { path: readonly PropertyKey[]; url: string }[] = [];
  for (const { component, path } of walk(form.components ?? [])) {
    for (const { url, at } of mediaOf(component)) places.push({ url, path: ["components", ...path, ...at] });
  }
  for (const [index, embed] of (form.embeds ?? []).entries()) {
    for (const key of ["image", "thumbnail"] as const) {
      const url = embed[key]?.url;
      if (url !== undefined) places.push({ url, path: ["embeds", index, key, "url"] });
    }
  }
  for (const { url, path } of places) {
    if (url.startsWith("attachment://") && !names.has(url.slice("attachment://".length))) {
      throw formError(
        [...prefix, ...path],
        "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND",
        `The referenced attachment ${url} was not found in the message`,
      );
    }
  }
}

/** Addresses of the pictures and files of one component, with their place in it. */
export function mediaOf(
  component: AnyComponent,
): { url: string; at: readonly PropertyKey[]; media: { url: string } }[] {
  const found: { url: string; at: readonly PropertyKey[]; media: { url: string } }[] = [];
  const add = (value: unknown, at: readonly PropertyKey[]) => {
    const media = value as { url?: unknown } | undefined;
    if (typeof media?.url === "string")
      found.push({ url: media.url, at: [...at, "url"], media: media as { url: string } });
  };
  add(component["media"], ["media"]);
  add(component["file"], ["file"]);
  for (const [index, item] of ((component["items"] as readonly AnyComponent[] | undefined) ?? []).entries()) {
    add(item["media"], ["items", index, "media"]);
  }
  return found;
}

function embedCharacters(embed: z.infer<typeof Embed>): number {
  const fields = (embed.fields ?? []).flatMap((field) => [field.name, field.value]);
  return [embed.title, embed.description, embed.footer?.text, embed.author?.name, ...fields].join("").length;
}

function isEmpty(form: MessageForm, files: readonly Upload[], before: Before | undefined): boolean {
  if (before !== undefined && form.content === undefined && form.embeds === undefined) return false;
  const kept = keptAttachments(form, before).length;
  const hasV2 = form.components?.some((component) => component.type !== 1) ?? false;
  return (
    !form.content?.trim() &&
    !form.embeds?.length &&
    files.length === 0 &&
    kept === 0 &&
    !hasV2 &&
    !isV2Kept(form, before)
  );
}

function isV2Kept(form: MessageForm, before: Before | undefined): boolean {
  return form.components === undefined && ((before?.flags ?? 0) & MessageFlags.IsComponentsV2) !== 0;
}
