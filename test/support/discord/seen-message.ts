import { ComponentType, MessageFlags } from "discord.js";
import { type AnyComponent, walk } from "./component-rules.ts";
import { mediaOf } from "./message-rules.ts";
import type { Message, World } from "./world.ts";

export interface SeenButton {
  readonly label: string;
  readonly customId: string | undefined;
  readonly url: string | undefined;
  readonly disabled: boolean;
  readonly style: number;
  /** Number of the row, from 0. */
  readonly row: number;
}

export interface SeenPicture {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
  readonly alt: string;
}

/** A message as a member sees it. */
export interface SeenMessage {
  readonly id: string;
  readonly channelId: string;
  readonly author: string;
  readonly atMs: number;
  readonly ephemeral: boolean;
  /** "is thinking…" */
  readonly loading: boolean;
  /** Content, embeds and text displays, joined by line breaks. */
  readonly text: string;
  readonly buttons: readonly SeenButton[];
  /** Shown pictures: of galleries and thumbnails, or attachments without components. */
  readonly pictures: readonly SeenPicture[];
  readonly components: readonly AnyComponent[];
  /** Whom its mentions notified. */
  readonly notified: readonly string[];
}

export function seeMessage(world: World, message: Message): SeenMessage {
  const all = [...walk(message.components)].map(({ component }) => component);
  const isV2 = (message.flags & MessageFlags.IsComponentsV2) !== 0;
  const texts = all.flatMap((component) =>
    component["type"] === ComponentType.TextDisplay ? [String(component["content"])] : [],
  );
  return {
    id: message.id,
    channelId: message.channelId,
    author: world.users.get(message.authorId)?.name ?? "",
    atMs: message.createdMs,
    ephemeral: (message.flags & MessageFlags.Ephemeral) !== 0,
    loading: (message.flags & MessageFlags.Loading) !== 0,
    text: [message.content, ...texts].filter((text) => text !== "").join("\n"),
    buttons: buttonsOf(all),
    pictures: isV2
      ? shownPictures(message, all)
      : message.attachments.map((file) => ({ ...file, alt: file.description ?? "" })),
    components: message.components,
    notified: message.notified,
  };
}

function buttonsOf(all: readonly AnyComponent[]): SeenButton[] {
  const rows = all.filter((component) => component["type"] === ComponentType.ActionRow);
  return all
    .filter((component) => component["type"] === ComponentType.Button)
    .map((button) => ({
      label: String(button["label"] ?? (button["emoji"] as { name?: string } | undefined)?.name ?? ""),
      customId: button["custom_id"] as string | undefined,
      url: button["url"] as string | undefined,
      disabled: button["disabled"] === true,
      style: Number(button["style"]),
      row: rows.findIndex((row) => (row["components"] as readonly unknown[]).includes(button)),
    }));
}

function shownPictures(message: Message, all: readonly AnyComponent[]): SeenPicture[] {
  return all.flatMap((component) => {
    const items = (component["items"] as readonly AnyComponent[] | undefined) ?? [component];
    return mediaOf(component).flatMap(({ url }, index) => {
      const file = message.attachments.find(({ id }) => url.includes(`/${id}/`));
      return file === undefined
        ? []
        : [{ ...file, alt: String(items[index]?.["description"] ?? file.description ?? "") }];
    });
  });
}

/** The picture of a message with this component, for pages that draw messages. */
export function pictureOf(message: SeenMessage, url: string): SeenPicture | undefined {
  return message.pictures.find(({ filename }) => url.includes(`/${encodeURIComponent(filename)}?`));
}
