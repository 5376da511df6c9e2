import { MessageFlags } from "discord.js";
import { type AnyComponent, walk } from "./component-rules.ts";
import {
  type Before,
  checkMessage,
  type FlagRule,
  keptAttachments,
  type MessageForm,
  mediaOf,
  type Upload,
} from "./message-rules.ts";
import { refusals } from "./refusal.ts";
import { type Attachment, attachmentUrl, type Message, type World } from "./world.ts";

export interface NewMessage {
  readonly channelId: string;
  readonly authorId: string;
  readonly rule: Exclude<FlagRule, "edit">;
  readonly visibleTo?: string;
  readonly interactionId?: string;
  /** Where the form errors begin, e.g. `["data"]`. */
  readonly prefix?: readonly string[];
}

/** Checks and stores a new message. @throws Refusal */
export function createMessage(world: World, payload: unknown, files: readonly Upload[], where: NewMessage): Message {
  const form = checkMessage(payload, files, where.rule, undefined, where.prefix);
  const repeated =
    form.enforce_nonce && form.nonce != null ? world.nonces.get(`${where.channelId} ${form.nonce}`) : undefined;
  const earlier = repeated === undefined ? undefined : world.messages.get(repeated);
  if (earlier !== undefined) return earlier;
  const message = blankMessage(world, where, form.flags ?? 0);
  const channel = world.channels.get(where.channelId);
  if (channel !== undefined) channel.archived = false;
  apply(world, message, form, files, undefined);
  if (form.enforce_nonce && form.nonce != null) world.nonces.set(`${where.channelId} ${form.nonce}`, message.id);
  return message;
}

/** The "is thinking…" message of a deferred answer. */
export function createLoadingMessage(world: World, where: NewMessage, ephemeral: boolean): Message {
  return blankMessage(world, where, MessageFlags.Loading | (ephemeral ? MessageFlags.Ephemeral : 0));
}

function blankMessage(world: World, where: NewMessage, flags: number): Message {
  const message: Message = {
    id: world.nextId(),
    channelId: where.channelId,
    authorId: where.authorId,
    createdMs: world.clock.now(),
    editedMs: null,
    content: "",
    flags,
    components: [],
    embeds: [],
    attachments: [],
    visibleTo: where.visibleTo,
    interactionId: where.interactionId,
    notified: [],
    writtenMs: [world.clock.now()],
    deleted: false,
  };
  world.messages.set(message.id, message);
  world.events.emit("change");
  return message;
}

/** Checks and applies an edit. A loading message's first edit makes it a message. @throws Refusal */
export function editMessage(
  world: World,
  message: Message,
  payload: unknown,
  files: readonly Upload[],
  prefix: readonly string[] = [],
): void {
  if (world.channels.get(message.channelId)?.archived) throw refusals.archivedThread();
  const isLoading = (message.flags & MessageFlags.Loading) !== 0;
  const before: Before | undefined = isLoading
    ? undefined
    : {
        flags: message.flags,
        content: message.content,
        embeds: message.embeds.length,
        attachments: message.attachments,
      };
  const form = checkMessage(payload, files, "edit", before, prefix);
  message.flags = (message.flags & ~MessageFlags.Loading) | (form.flags ?? 0);
  message.editedMs = world.clock.now();
  message.writtenMs.push(world.clock.now());
  apply(world, message, form, files, before);
}

function apply(
  world: World,
  message: Message,
  form: MessageForm,
  files: readonly Upload[],
  before: Before | undefined,
): void {
  const keptIds = new Set(keptAttachments(form, before).map((attachment) => attachment.id));
  const added = files.map((file) => storeAttachment(world, message.channelId, file, form));
  message.attachments = [...message.attachments.filter((attachment) => keptIds.has(attachment.id)), ...added];
  if (form.content !== undefined) message.content = form.content ?? "";
  if (form.embeds !== undefined) message.embeds = form.embeds ?? [];
  if (form.components !== undefined) message.components = resolveMedia(world, message, form.components ?? []);
  message.notified = notifiedBy(form);
  world.events.emit("change");
}

export function storeAttachment(world: World, channelId: string, file: Upload, form?: MessageForm): Attachment {
  const description = form?.attachments?.find((attachment) => attachment.id === file.index)?.description ?? undefined;
  const attachment = {
    id: world.nextId(),
    channelId,
    filename: file.name,
    contentType: file.contentType,
    bytes: file.bytes,
    description,
  };
  world.attachments.set(attachment.id, attachment);
  return attachment;
}

/** Components as they are stored: ids numbered, `attachment://name` replaced by the file's address, as Discord does. */
function resolveMedia(world: World, message: Message, components: readonly unknown[]): AnyComponent[] {
  const copy = structuredClone(components) as Record<string, unknown>[];
  let number = 1;
  for (const { component } of walk(copy)) {
    (component as Record<string, unknown>)["id"] ??= number++;
    for (const { url, media } of mediaOf(component)) {
      const file = message.attachments.findLast(({ filename }) => `attachment://${filename}` === url);
      if (file !== undefined) media.url = attachmentUrl(world, file);
    }
  }
  return copy;
}

/** Users whom the text mentions and `allowed_mentions` lets it notify; without it, everybody mentioned. */
function notifiedBy(form: MessageForm): string[] {
  const texts = [
    form.content ?? "",
    ...[...walk(form.components ?? [])].map(({ component }) => String(component["content"] ?? "")),
  ];
  const mentioned = texts.join("\n").matchAll(/<@!?(\d+)>|(@everyone|@here)/g);
  const allowed = form.allowed_mentions;
  return [...mentioned].flatMap(([, user, everyone]) => {
    if (everyone !== undefined) return allowed == null || allowed.parse?.includes("everyone") ? [everyone] : [];
    if (user === undefined) return [];
    return allowed == null || allowed.parse?.includes("users") || allowed.users?.includes(user) ? [user] : [];
  });
}
