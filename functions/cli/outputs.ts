import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import colours from "picocolors";
import type { Candidate } from "../../shared/draft.ts";
import { visible } from "../../shared/error.ts";
import type { DescribeOutput, DrawnPicture } from "../../shared/job.ts";
import type { Session } from "./session.ts";

/** Copies pictures of a job out of the store under readable names; gives the paths in the same order. */
export async function copyOut(
  session: Session,
  pictures: readonly { readonly key: string; readonly name: string }[],
  folder: string,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const { key, name } of pictures) {
    const stored = await session.store.get(key);
    if (!stored) continue;
    const path = join(folder, name);
    await writeFile(path, stored.data);
    paths.push(path);
  }
  return paths;
}

/** "<mycat> in space" → `mycat-in-space`, at most 60 characters and 100 bytes: file systems take names of 255 bytes. */
export const fileStem = (text: string): string =>
  cut(
    text
      .normalize("NFKD")
      .replace(/[^\p{L}\p{N}]+/gu, "-")
      .replace(/^-|-$/g, "")
      .slice(0, 60),
    100,
  ) || "picture";

/** The beginning of a text, of whole characters that take at most so many bytes. */
export function cut(text: string, mostBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(mostBytes));
  return text
    .slice(0, read)
    .toWellFormed()
    .replace(/\uFFFD$/, "");
}

/** `photos/My cat.jpg` → `My-cat`. */
export const pictureStem = (path: string): string =>
  fileStem(
    path
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.\w+$/, "") ?? "",
  );

/** `mycat-strip.png`, `mycat-preview-025.png` … */
export const namedAfter = (prefix: string, pictures: readonly DrawnPicture[]) =>
  pictures.map(({ key }) => ({ key, name: `${prefix}-${key.split("/").at(-1)}` }));

/** Text, or text and its colour. They come apart because a text may quote other people's files and models: no escape sequences
 * but ours may reach the terminal. */
type Piece = string | readonly [colour: (text: string) => string, text: string];

/** A line for people, on stderr; results go to stdout. */
export const say = (...pieces: readonly Piece[]): void => {
  const line = pieces.map((piece) => (typeof piece === "string" ? visible(piece) : piece[0](visible(piece[1]))));
  process.stderr.write(`${line.join("")}\n`);
};

export const heading = (text: string): void => say([colours.bold, text]);
export const hint = (text: string): void => say([colours.dim, text]);
/** Worth knowing. */
export const remark = (text: string): void => say([colours.yellow, `  ${text}`]);
/** The heading of what came out. */
export const headline = (text: string): void => say([colours.green, "● "], [colours.bold, text]);

/** What describing is not sure of, or wants known before learning; nothing where there is nothing. Copies the welcome's picture out
 * under `stem` and gives its path. */
export async function sayFirst(
  session: Session,
  { thing, welcome, caption }: Pick<DescribeOutput, "welcome"> & { thing: Candidate; caption?: string | undefined },
  folder: string,
  stem: string,
): Promise<readonly string[]> {
  if (!thing.sure && caption === undefined) {
    remark("I am not sure what this is. It may be:");
    for (const choice of thing.words) remark(`  --caption "${choice.caption}"`);
    const otherwise = thing.initialiser === "stars" ? " Without any it is learned from the picture alone." : "";
    remark(`or say it in your own words.${otherwise}`);
  }
  for (const note of session.bench.notesOn(caption ?? thing.caption)) remark(note);
  if (welcome === undefined) return [];
  const paths = await copyOut(session, [{ key: welcome.picture.key, name: `${stem}-welcome.png` }], folder);
  remark(`${welcome.text} See ${paths.join("")}.`);
  remark("MODEL=stable-diffusion-v1-5 draws photographs (2 GB to download, and far slower without a GPU).");
  return paths;
}

/** Whoever reads may stop, as `head` does: what is under way still ends, and quietly. */
export function endWithoutReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** The result, on stdout: JSON when asked for, otherwise the paths, one a line. JSON shows what a terminal would obey in its own
 * way of writing it. */
export function printResult(json: boolean, result: object, paths: readonly string[]): void {
  process.stdout.write(
    json ? `${visible(JSON.stringify(result, null, 2))}\n` : paths.map((path) => `${path}\n`).join(""),
  );
}
