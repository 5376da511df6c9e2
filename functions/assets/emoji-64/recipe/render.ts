/**
 * Renders the permissively licensed emoji sets to one file of 128×128 RGBA pictures.
 *
 *   node render.ts --packages DIR/node_modules --work DIR
 *
 * Reads `@iconify-json/{fluent-emoji-flat,fluent-emoji,noto}`, `@lobehub/fluent-emoji-3d` and `emojibase-data` from
 * the packages folder; writes `rgba.bin` (uint8 [N, 128, 128, 4], straight alpha) and `renders.json` (set, codepoint,
 * label, tags, group for each picture, in the same order).
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";

const SIDE = 128;
/** emojibase groups that are not things: skin tones and hair, symbols, flags. */
const SKIPPED_GROUPS = [2, 8, 9];
const VECTOR_SETS = [
  { set: "fluent-flat", pack: "fluent-emoji-flat" },
  { set: "fluent-gradient", pack: "fluent-emoji" },
  { set: "noto", pack: "noto" },
] as const;

type Name = { label: string; tags: readonly string[]; group: number };
type Render = Name & { set: string; codepoint: string };
type IconFile = {
  width?: number;
  height?: number;
  icons: Record<string, { body: string; width?: number; height?: number; left?: number; top?: number }>;
};

const readJson = <T>(path: string): T => JSON.parse(readFileSync(path, "utf8")) as T;

/** `1F600-FE0F` and `1f600` are the same subject. */
const codepointOf = (hex: string): string => hex.toLowerCase().replaceAll("-fe0f", "").replace(/^00/, "");

const slugOf = (label: string): string =>
  label
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\u0300-\u036f’'“”.!:,()]/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

const readNames = (packages: string): Map<string, Name> => {
  type Entry = { hexcode: string; label: string; tags?: string[]; group?: number };
  const entries = readJson<Entry[]>(join(packages, "emojibase-data/en/data.json"));
  return new Map(
    entries.flatMap(({ hexcode, label, tags = [], group }) =>
      group === undefined || SKIPPED_GROUPS.includes(group) ? [] : [[codepointOf(hexcode), { label, tags, group }]],
    ),
  );
};

/** Icon name → codepoint: first each pack's own character table, then the slug of the emoji's label. */
const readIconNames = (packages: string, names: ReadonlyMap<string, Name>): Map<string, string> => {
  const found = new Map([...names].map(([codepoint, { label }]) => [slugOf(label), codepoint]));
  for (const { pack } of VECTOR_SETS) {
    const path = join(packages, "@iconify-json", pack, "chars.json");
    if (!existsSync(path)) continue;
    for (const [hex, icon] of Object.entries(readJson<Record<string, string>>(path)))
      if (names.has(codepointOf(hex))) found.set(icon, codepointOf(hex));
  }
  return found;
};

const pixelsOf = async (source: string | Buffer): Promise<Buffer> =>
  sharp(source).resize(SIDE, SIDE, { fit: "fill" }).ensureAlpha().raw().toBuffer();

const svgOf = (file: IconFile, icon: IconFile["icons"][string], side: number): Buffer => {
  const width = icon.width ?? file.width ?? 16;
  const height = icon.height ?? file.height ?? 16;
  const box = `${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`;
  return Buffer.from(`${head} width="${side}" height="${side}" viewBox="${box}">${icon.body}</svg>`);
};

const { values } = parseArgs({
  options: {
    packages: { type: "string" },
    work: { type: "string" },
    only: { type: "string" },
    side: { type: "string" },
  },
});
const { packages, work } = values;
if (packages === undefined || work === undefined)
  throw new Error("usage: node render.ts --packages node_modules --work DIR [--only codepoint,codepoint --side 512]");
const only = values.only === undefined ? undefined : new Set(values.only.split(","));
const wanted = (codepoint: string): boolean => only === undefined || only.has(codepoint);

/** Every wanted picture of every set, as an SVG buffer or a file path. */
const sources = function* (side: number): Generator<{ set: string; codepoint: string; source: string | Buffer }> {
  for (const { set, pack } of VECTOR_SETS) {
    const file = readJson<IconFile>(join(packages, "@iconify-json", pack, "icons.json"));
    for (const [name, icon] of Object.entries(file.icons)) {
      const codepoint = iconNames.get(name);
      if (codepoint !== undefined && wanted(codepoint)) yield { set, codepoint, source: svgOf(file, icon, side) };
    }
  }
  const folder = join(packages, "@lobehub/fluent-emoji-3d/assets");
  for (const name of readdirSync(folder)) {
    const codepoint = codepointOf(name.replace(".webp", ""));
    if (names.has(codepoint) && wanted(codepoint)) yield { set: "fluent-3d", codepoint, source: join(folder, name) };
  }
};

const names = readNames(packages);
const iconNames = readIconNames(packages, names);

if (only === undefined) {
  const renders: Render[] = [];
  const out = openSync(join(work, "rgba.bin"), "w");
  let failures = 0;
  for (const { set, codepoint, source } of sources(SIDE)) {
    const name = names.get(codepoint);
    if (name === undefined) continue;
    try {
      writeSync(out, await pixelsOf(source));
      renders.push({ set, codepoint, ...name });
    } catch {
      failures += 1;
    }
  }
  closeSync(out);
  writeFileSync(join(work, "renders.json"), JSON.stringify(renders));
  console.log(`${renders.length} renders, ${failures} pictures left out because they do not parse`);
} else {
  const side = Number(values.side ?? 512);
  for (const { set, codepoint, source } of sources(side))
    await sharp(source)
      .resize(side, side)
      .png()
      .toFile(join(work, `${codepoint}.${set}.png`));
}
