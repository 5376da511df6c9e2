import {
  type APIButtonComponentWithCustomId,
  type APIComponentInContainer,
  ButtonStyle,
  ComponentType,
  escapeMarkdown,
  MessageFlags,
} from "discord.js";
import { short } from "../shared/short.ts";
import { customId } from "./custom-id.ts";
import { withinTextLimit } from "./text-limit.ts";

/** A picture that a message shows. */
export interface Picture {
  /** File name, different for every picture: Discord and its clients cache by it. */
  readonly name: string;
  readonly bytes: Buffer;
  readonly alt: string;
}

/** A message as the bot writes it: parts in one container (Components V2) and the pictures that they show. */
export interface Card {
  readonly parts: readonly APIComponentInContainer[];
  readonly pictures?: readonly Picture[];
  /** Whom it may notify; nobody when absent, whatever the text says. */
  readonly notify?: string;
}

const accentColor = 0x7c5cff;

/** Attachments that a message already has, id by file name. */
export type KnownFiles = ReadonlyMap<string, string>;

/** The card as a REST request: pictures that the message already has are kept, new ones sent, the rest dropped. */
export function cardRequest(card: Card, known: KnownFiles = new Map()) {
  const pictures = card.pictures ?? [];
  const fresh = pictures.filter(({ name }) => !known.has(name));
  const attachments = pictures.map(({ name, alt }) => {
    const id = known.get(name);
    if (id !== undefined) return { id };
    return {
      id: String(fresh.findIndex((picture) => picture.name === name)),
      filename: name,
      description: short(alt, 1024),
    };
  });
  const body = { ...layout(card), attachments, allowed_mentions: mentionsOf(card) };
  return { body, files: fresh.map(({ name, bytes }) => ({ name, data: bytes })) };
}

function layout(card: Card) {
  const components = withinTextLimit(card.parts);
  const container = { type: ComponentType.Container as const, accent_color: accentColor, components };
  return { flags: MessageFlags.IsComponentsV2 as const, components: [container] };
}

function mentionsOf({ notify }: Card) {
  return { parse: [], ...(notify === undefined ? {} : { users: [notify] }) };
}

/** The card for discord.js: `reply`, `editReply`, `followUp`. */
export function cardOptions(card: Card) {
  const files = card.pictures ?? [];
  return {
    ...layout(card),
    // discord.js appends the new files to this list; what is not in it goes.
    attachments: [],
    files: files.map(({ name, bytes, alt }) => ({ attachment: bytes, name, description: short(alt, 1024) })),
    allowedMentions: mentionsOf(card),
  };
}

export function textPart(content: string): APIComponentInContainer {
  return { type: ComponentType.TextDisplay, content };
}

/** The pictures side by side, at most ten. */
export function galleryPart(pictures: readonly Picture[]): APIComponentInContainer {
  const items = pictures.map(({ name, alt }) => ({
    media: { url: `attachment://${name}` },
    ...(alt === "" ? {} : { description: short(alt, 1024) }),
  }));
  return { type: ComponentType.MediaGallery, items };
}

/** One row of at most five buttons. */
export function rowPart(...buttons: readonly APIButtonComponentWithCustomId[]): APIComponentInContainer {
  return { type: ComponentType.ActionRow, components: [...buttons] };
}

export interface ButtonLook {
  readonly style?: APIButtonComponentWithCustomId["style"];
  readonly emoji?: string;
  readonly disabled?: boolean;
}

export function button(
  label: string,
  verb: string,
  ids: readonly (string | number)[],
  look: ButtonLook = {},
): APIButtonComponentWithCustomId {
  return {
    type: ComponentType.Button,
    style: look.style ?? ButtonStyle.Secondary,
    label: short(label, 80),
    custom_id: customId(verb, ...ids),
    ...(look.emoji === undefined ? {} : { emoji: { name: look.emoji } }),
    ...(look.disabled ? { disabled: true } : {}),
  };
}

/** Somebody's words in ours: no formatting, no mentions that look real, no links under other words, no line breaks. An address stays
 * one that everybody can read: messages of components show nothing of what is behind it. */
export function quoted(text: string, max = 300): string {
  return escaped(short(text.replace(/\s+/g, " "), max));
}

/** An error's text as it was written: what it quotes of a prompt shows every sign. Only `code` and mentions are Markdown in it. */
export function asWritten(text: string): string {
  const pieces = text.split(/((?<![`\\])`[^`\n]+`(?!`)|<@\d+>)/);
  return pieces.map((piece, index) => (index % 2 === 0 ? escaped(piece) : piece)).join("");
}

/** Without Markdown. discord.js leaves what follows a `<`, and masked links but the first, as it is. */
function escaped(text: string): string {
  const pieces = text.split("<").map((piece) => escapeMarkdown(piece).replace(/[[@#]/g, "\\$&"));
  return pieces.join("\\<");
}

/** A concept as one types it in a prompt. */
export function conceptWord(name: string): string {
  return `\`<${name.replaceAll("`", "")}>\``;
}
