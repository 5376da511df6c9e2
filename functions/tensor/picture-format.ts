/** Picture formats that are read. TIFF and SVG stay out on purpose: chat and browsers show no TIFF, and an SVG is a
 * program for a renderer, not pixels. */
export const pictureFormats = ["JPEG", "PNG", "WebP", "GIF", "AVIF"] as const;

export type PictureFormat = (typeof pictureFormats)[number];

interface Signature {
  readonly name: string;
  readonly at: number;
  readonly text: string;
}

/** First bytes as Latin-1 text. Formats that are not read are listed so that an error can name them. */
const signatures: readonly Signature[] = [
  { name: "JPEG", at: 0, text: "\xff\xd8\xff" },
  { name: "PNG", at: 0, text: "\x89PNG\r\n\x1a\n" },
  { name: "WebP", at: 8, text: "WEBP" },
  { name: "GIF", at: 0, text: "GIF8" },
  { name: "AVIF", at: 4, text: "ftypavif" },
  { name: "AVIF", at: 4, text: "ftypavis" },
  { name: "HEIC", at: 4, text: "ftyphei" },
  { name: "HEIC", at: 4, text: "ftypmif1" },
  { name: "a video", at: 4, text: "ftyp" },
  { name: "a video", at: 0, text: "\x1a\x45\xdf\xa3" },
  { name: "TIFF", at: 0, text: "II*\0" },
  { name: "TIFF", at: 0, text: "MM\0*" },
  { name: "BMP", at: 0, text: "BM" },
  { name: "JPEG XL", at: 0, text: "\xff\x0a" },
  { name: "JPEG XL", at: 4, text: "JXL " },
  { name: "PDF", at: 0, text: "%PDF" },
  { name: "a ZIP archive", at: 0, text: "PK\x03\x04" },
];

/** What the bytes are by their signature: a format's name, or a description fit for an error. */
export function sniffFormat(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const start = String.fromCharCode(...bytes.subarray(0, 256));
  const known = signatures.find(({ at, text }) => start.startsWith(text, at));
  if (known) return known.name;
  if (/<svg|<\?xml/i.test(start)) return "SVG or XML";
  if (/<!doctype html|<html/i.test(start)) return "a web page";
  const hex = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `an unknown format (first bytes ${hex.join(" ")})`;
}

export const isPictureFormat = (name: string): name is PictureFormat =>
  (pictureFormats as readonly string[]).includes(name);
