import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import colours from "picocolors";
import type { DrawnPicture } from "../../shared/job.ts";
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

/** `mycat-strip.png`, `mycat-preview-025.png` … */
export const namedAfter = (prefix: string, pictures: readonly DrawnPicture[]) =>
  pictures.map(({ key }) => ({ key, name: `${prefix}-${key.split("/").at(-1)}` }));

/** A line for people, on stderr; results go to stdout. */
export const say = (text = ""): void => {
  process.stderr.write(`${text}\n`);
};

export const heading = (text: string): void => say(colours.bold(text));
export const hint = (text: string): void => say(colours.dim(text));

/** The result, on stdout: JSON when asked for, otherwise the paths, one a line. */
export function printResult(json: boolean, result: object, paths: readonly string[]): void {
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : paths.map((path) => `${path}\n`).join(""));
}
