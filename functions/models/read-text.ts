import { readFileSync, type Stats, statSync } from "node:fs";
import { UserError } from "../../shared/error.ts";

/** A text file of a model folder, as UTF-8. Links are followed; what they lead to must be a regular file, because reading a pipe or
 * a device could go on for ever. @throws UserError not_found; bad_config when it cannot be read or has more than `maxBytes` */
export function readText(path: string, maxBytes: number): string {
  let status: Stats | undefined;
  try {
    status = statSync(path, { throwIfNoEntry: false });
    if (status?.isFile() && status.size <= maxBytes) return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError("bad_config", `${path} cannot be read (${code}).`, { cause });
  }
  if (!status) throw new UserError("not_found", `${path} does not exist; expected a diffusers model folder.`);
  if (!status.isFile()) throw new UserError("bad_config", `${path} is not a regular file.`);
  throw new UserError("bad_config", `${path} has ${status.size} bytes, more than ${maxBytes}.`);
}

/** The same, as JSON of any form. @throws UserError not_found, bad_config */
export function readJson(path: string, maxBytes: number): unknown {
  const text = readText(path, maxBytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError("bad_config", `${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
