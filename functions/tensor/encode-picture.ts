import { crc32 } from "node:zlib";
import { type Picture, toSharp } from "./pixels.ts";

/** Texts that travel inside the file: what was drawn, by which model, from which prompt and seed. */
type Texts = Readonly<Record<string, string>>;

/** A lossless PNG, no other metadata in it than the texts (keys: 1–79 printable ASCII characters). */
export async function encodePng(picture: Picture, { text = {} as Texts } = {}): Promise<Uint8Array> {
  const png = await toSharp(picture).png({ compressionLevel: 9 }).toBuffer();
  return withTexts(png, text);
}

/** A WebP; the texts become one JSON object in XMP's dc:description. quality: 1–100. */
export async function encodeWebp(picture: Picture, { quality = 90, text = {} as Texts } = {}): Promise<Uint8Array> {
  const pipeline = toSharp(picture).webp({ quality, smartSubsample: true });
  return new Uint8Array(await (Object.keys(text).length > 0 ? pipeline.withXmp(xmp(text)) : pipeline).toBuffer());
}

/** A copy of a PNG with text chunks right after its header chunk. ASCII becomes tEXt, which every reader knows, the
 * rest iTXt in UTF-8 (PNG specification, third edition, section 11.3.3). */
export function withTexts(png: Uint8Array, text: Texts): Uint8Array {
  const headerEnd = 8 + 12 + 13;
  const chunks = Object.entries(text).map(([key, value]) => {
    if (!/^[\x20-\x7e]{1,79}$/.test(key)) throw new Error(`encodePng: ${JSON.stringify(key)} cannot be a text's key`);
    return /^[\n\x20-\x7e]*$/.test(value)
      ? chunk("tEXt", `${key}\0${value}`)
      : chunk("iTXt", `${key}\0\0\0\0\0${value}`);
  });
  return Buffer.concat([png.subarray(0, headerEnd), ...chunks, png.subarray(headerEnd)]);
}

function chunk(type: "tEXt" | "iTXt", body: string): Uint8Array {
  const content = Buffer.from(type + body, "utf8");
  const framed = Buffer.alloc(content.length + 8);
  framed.writeUInt32BE(content.length - 4, 0);
  framed.set(content, 4);
  framed.writeUInt32BE(crc32(content), content.length + 4);
  return framed;
}

const xmp = (text: Texts): string =>
  `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
  `<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>` +
  `<rdf:li xml:lang="x-default">${escapeXml(JSON.stringify(text))}</rdf:li>` +
  `</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>`;

/** JSON text holds no control characters, so only the markup characters are left to escape. */
const escapeXml = (text: string): string => text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
