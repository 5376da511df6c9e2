import { lstat, mkdtemp, readFile, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Point } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";

/** A click as people type it: pixels of the picture, or percent. */
export type Click = (size: { readonly width: number; readonly height: number }) => Point;

/** `312,240` or `50%,40%`. */
export function clickArgument(text: string): Click {
  const match = /^\s*(\d+(?:\.\d+)?)(%?)\s*,\s*(\d+(?:\.\d+)?)(%?)\s*$/.exec(text);
  if (!match) throw new InvalidArgumentError(`expected x,y in pixels (312,240) or percent (50%,40%), got "${text}".`);
  const [, x, xPercent, y, yPercent] = match;
  return ({ width, height }) => {
    const point = { x: Number(x) / (xPercent ? 100 : width), y: Number(y) / (yPercent ? 100 : height) };
    if (point.x <= 1 && point.y <= 1) return point;
    throw new UserError(
      "bad_request",
      `The click ${text} lies outside the picture, which is ${width} × ${height} pixels.`,
    );
  };
}

/** The same, once per picture. */
export const clicksArgument = (text: string, before: readonly Click[] = []): readonly Click[] => [
  ...before,
  clickArgument(text),
];

/** A whole number in a range. */
export const wholeNumber =
  (from: number, to: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`expected a whole number from ${from} to ${to}, got "${text}".`);
  };

export const decimal =
  (from: number, to: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`expected a number from ${from} to ${to}, got "${text}".`);
  };

/** Text of so many characters, blanks around it left out. What came is counted and not repeated: it may be long.
 * @throws UserError bad_request */
export const words =
  (what: string, least: number, most: number) =>
  (text: string): string => {
    const trimmed = text.trim();
    if (trimmed.length >= least && trimmed.length <= most) return trimmed;
    const came = trimmed.length === 0 ? "none" : `${trimmed.length} characters`;
    throw new UserError("bad_request", `${what} takes ${least} to ${most} characters, got ${came}.`);
  };

/** Refuses, before any work, a folder for results that cannot become one or takes no files. Leaves nothing behind.
 * @throws UserError bad_request */
export async function requireFolder(path: string): Promise<void> {
  if (path === "") throw new UserError("bad_request", "--out is empty; expected a folder.");
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return await requireWritable(path);
  if (found) throw new UserError("bad_request", `--out: "${path}" is a file; expected a folder.`);
  if (await lstat(path).catch(() => undefined)) {
    throw new UserError("bad_request", `--out: "${path}" is a link to what is not there; expected a folder.`);
  }
  const parent = dirname(resolve(path));
  if (parent !== resolve(path)) await requireFolder(parent);
}

/** By trying: rights do not tell that /proc takes no folders, where `mkdir` with `recursive` would never come to an end. */
async function requireWritable(folder: string): Promise<void> {
  try {
    await rmdir(await mkdtemp(join(folder, ".eponym-")));
  } catch {
    throw new UserError("bad_request", `--out: "${folder}" may not be written to; expected a folder that may.`);
  }
}

/** The bytes of a file given on the command line, size checked first. @throws UserError not_found, too_large, bad_request */
export async function readUpload(path: string, maxBytes: number = limits.maxUploadBytes): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UserError("not_found", `There is no file "${path}".`);
  if (!found.isFile()) throw new UserError("bad_request", `"${path}" is not a file.`);
  if (found.size > maxBytes) {
    throw new UserError("too_large", `"${path}" has ${found.size} bytes; at most ${maxBytes} are read.`);
  }
  return await readFile(path);
}
