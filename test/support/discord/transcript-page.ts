import { ButtonStyle, ComponentType } from "discord.js";
import type { AnyComponent } from "./component-rules.ts";
import { escapeHtml, markdownToHtml } from "./markdown.ts";
import { pictureOf, type SeenMessage } from "./seen-message.ts";
import type { Entry, Transcript } from "./transcript.ts";
import { pageStyle } from "./transcript-style.ts";

export interface Place {
  readonly server: string;
  readonly channel: string;
  readonly nameOf: (userId: string) => string;
}

/** The transcript as one HTML page that looks like a chat, pictures included. */
export function transcriptPage(transcript: Transcript, place: Place): string {
  const chat = transcript.entries.map((entry) => entryHtml(entry, place)).join("\n");
  const figures = transcript.figures
    .map(({ name, value }) => `<div class="figure"><b>${escapeHtml(value)}</b><span>${escapeHtml(name)}</span></div>`)
    .join("");
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Eponym in #${escapeHtml(place.channel)}</title>
<style>${pageStyle}</style>
<nav>
  <h2>${escapeHtml(place.server)}</h2>
  <a class="here"><i>#</i>${escapeHtml(place.channel)}</a><a><i>#</i>photos</a><a><i>#</i>off-topic</a>
</nav>
<main>
  <header><i>#</i>${escapeHtml(place.channel)}<small>A transcript of the real bot and gateway with the embedded model, on an emulated chat service</small></header>
  <section class="figures">${figures}</section>
  <section class="chat">${chat}</section>
</main>
</html>
`;
}

function entryHtml(entry: Entry, place: Place): string {
  switch (entry.kind) {
    case "chapter":
      return `<div class="chapter"><h2>${escapeHtml(entry.title)}</h2><p>${escapeHtml(entry.text)}</p></div>`;
    case "typing":
      return typingHtml(entry);
    case "press":
      return `<div class="press"><span class="tap"></span><b>${escapeHtml(entry.who)}</b> presses <kbd>${escapeHtml(entry.button)}</kbd></div>`;
    case "message":
      return messageHtml(entry, place);
  }
}

function typingHtml({ who, typed, choices }: Extract<Entry, { kind: "typing" }>): string {
  const list = choices.map((choice) => `<li>${escapeHtml(choice)}</li>`).join("");
  return `<div class="typing"><ul>${list}</ul><div class="box">${avatar(who, false)}<b>/imagine</b><span class="option">prompt</span><span class="typed">${escapeHtml(typed)}<i class="caret"></i></span></div></div>`;
}

function messageHtml(
  { message, viewer, cause, attached, sinceMs }: Extract<Entry, { kind: "message" }>,
  place: Place,
): string {
  const isBot = message.author === "Eponym";
  const [who = "", ...what] = cause.split(" used ");
  const reply =
    cause === ""
      ? ""
      : `<div class="reply">${avatar(who, false)}<b>${escapeHtml(who)}</b> used <span class="mention">${escapeHtml(what.join(" used "))}</span></div>`;
  const file =
    attached &&
    `<figure class="attached"><img alt="" src="${dataUri(attached)}"><figcaption>${escapeHtml(attached.name)}</figcaption></figure>`;
  const only = message.ephemeral
    ? `<footer>👁 Only ${escapeHtml(viewer)} sees this · <span class="mention">Dismiss message</span></footer>`
    : "";
  const body = message.components.map((component) => componentHtml(component, message, place)).join("");
  return `<article class="${message.ephemeral ? "ephemeral" : ""}">
${reply}${file ?? ""}<div class="row">${avatar(message.author, isBot)}<div class="body"><div class="who"><b class="${isBot ? "bot" : ""}">${escapeHtml(message.author)}</b>${isBot ? "<em>APP</em>" : ""}<time>${clockOf(sinceMs)}</time></div>${markdownToHtml(isBot ? "" : message.text, place.nameOf)}${body}${only}</div></div>
</article>`;
}

function componentHtml(component: AnyComponent, message: SeenMessage, place: Place): string {
  const inside = () =>
    ((component["components"] as readonly AnyComponent[] | undefined) ?? [])
      .map((child) => componentHtml(child, message, place))
      .join("");
  switch (component["type"]) {
    case ComponentType.Container:
      return `<div class="container" style="--accent:#${Number(component["accent_color"] ?? 0x4e5058)
        .toString(16)
        .padStart(6, "0")}">${inside()}</div>`;
    case ComponentType.TextDisplay:
      return `<div class="text">${markdownToHtml(String(component["content"]), place.nameOf)}</div>`;
    case ComponentType.ActionRow:
      return `<div class="buttons">${inside()}</div>`;
    case ComponentType.Button:
      return buttonHtml(component);
    case ComponentType.Section:
      return `<div class="section"><div>${inside()}</div>${componentHtml(component["accessory"] as AnyComponent, message, place)}</div>`;
    case ComponentType.MediaGallery:
      return galleryHtml(component["items"] as readonly AnyComponent[], message);
    default:
      return "";
  }
}

function buttonHtml(button: AnyComponent): string {
  const style = ButtonStyle[Number(button["style"])]?.toLowerCase() ?? "secondary";
  const emoji = (button["emoji"] as { name?: string } | undefined)?.name;
  const label = `${emoji === undefined ? "" : `${emoji} `}${String(button["label"] ?? "")}`;
  return `<span class="button ${style}">${escapeHtml(label)}</span>`;
}

function galleryHtml(items: readonly AnyComponent[], message: SeenMessage): string {
  const pictures = items.map((item) => {
    const picture = pictureOf(message, (item["media"] as { url: string }).url);
    const alt = escapeHtml(String(item["description"] ?? ""));
    return picture === undefined ? "" : `<img src="${dataUri(picture)}" alt="${alt}" title="${alt}">`;
  });
  return `<div class="gallery of${Math.min(items.length, 5)}">${pictures.join("")}</div>`;
}

const dataUri = ({ contentType, bytes }: { readonly contentType: string; readonly bytes: Uint8Array }): string =>
  `data:${contentType === "" ? "image/png" : contentType};base64,${Buffer.from(bytes).toString("base64")}`;

/** A circle with the initial, its colour made from the name. */
function avatar(name: string, isBot: boolean): string {
  if (isBot) return '<span class="avatar app">‹e›</span>';
  const hue = [...name].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 360, 7);
  return `<span class="avatar" style="background:hsl(${hue} 45% 48%)">${escapeHtml(name.slice(0, 1).toUpperCase())}</span>`;
}

function clockOf(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
