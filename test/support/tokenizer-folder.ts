import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";

const golden = new URL("../golden/tokenizer/", import.meta.url);

/** A checkpoint folder with a tokenizer in it: the small one, or CLIP's own; gone when the test ends. */
export function tokenizerFolder(
  which: "small" | "clip",
  config: unknown = { model_max_length: 77 },
  files: Readonly<Record<string, unknown>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), "eponym-tokenizer-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "tokenizer"));
  for (const [name, content] of Object.entries({ "tokenizer/tokenizer_config.json": config, ...files })) {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  if (which === "small") {
    for (const name of ["vocab.json", "merges.txt"]) {
      if (!(`tokenizer/${name}` in files)) cpSync(new URL(name, golden), join(folder, "tokenizer", name));
    }
  } else {
    const merges = gunzipSync(readFileSync(new URL("clip-merges.txt.gz", golden))).toString();
    writeFileSync(join(folder, "tokenizer", "merges.txt"), merges);
    writeFileSync(join(folder, "tokenizer", "vocab.json"), JSON.stringify(clipVocabulary(merges)));
  }
  return folder;
}

/** CLIP's ids follow from its merges: bytes, bytes at the end of a word, merges, begin and end. */
function clipVocabulary(merges: string): Record<string, number> {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const bytes = [
    ...all.filter(printable).map((byte) => String.fromCharCode(byte)),
    ...all.filter((byte) => !printable(byte)).map((_, i) => String.fromCharCode(256 + i)),
  ];
  const merged = merges
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.replace(" ", ""));
  const tokens = [...bytes, ...bytes.map((byte) => `${byte}</w>`), ...merged, "<|startoftext|>", "<|endoftext|>"];
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}
