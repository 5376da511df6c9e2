import type { ConceptMeta, Owner } from "../../shared/concept.ts";
import { type ConceptName, ConceptName as Name, suggestConceptName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import { sniffFormat } from "../tensor/picture-format.ts";
import { parse } from "../tensor/safetensors.ts";
import { sizeOf, type Tensor, tensor } from "../tensor/tensor.ts";
import { readCard } from "./card.ts";
import { checkedRows, checkFileSize, checkWidth } from "./checked-rows.ts";
import { type Concept, decodeMeta, maxConceptHeaderBytes, metadataKey, publicMeta } from "./concept-file.ts";
import { isPng } from "./png-texts.ts";
import { readTorchFile } from "./torch-file.ts";

/** What a concept file of any tool says. */
export interface ImportedConcept {
  /** From the file's own words, else from its file name. */
  readonly name: ConceptName;
  /** f32 [n, d] */
  readonly rows: Tensor;
  /** e.g. "emb_params safetensors". */
  readonly format: string;
  readonly author?: string;
  readonly licence?: string;
  readonly steps?: number;
  readonly baseModel?: { readonly id: string; readonly hash: string };
  /** The whole passport, where the file came from here. */
  readonly passport?: ConceptMeta;
}

/** What the forms come down to before names and rows are checked. */
interface Found {
  readonly rows: Tensor;
  readonly format: string;
  readonly names: readonly unknown[];
  readonly passport?: string;
  readonly author?: unknown;
  readonly licence?: unknown;
  readonly steps?: unknown;
  readonly model?: { readonly id: unknown; readonly hash: unknown };
}

const refuse = (label: string, reason: string): never => {
  throw new UserError("bad_concept", `${label} is no concept file that can be read: ${reason}.`);
};

/** Reads a concept file of AUTOMATIC1111, ComfyUI, InvokeAI, diffusers, kohya, OneTrainer or ours: .safetensors, .pt, .bin or
 * a PNG card. The form is told by the bytes, never by the name. `width`: the embedding width it has to fit.
 * @throws UserError bad_concept | bad_safetensors | bad_image | too_large */
export async function importConcept(
  bytes: Uint8Array,
  { fileName = "concept", width }: { readonly fileName?: string; readonly width?: number } = {},
): Promise<ImportedConcept> {
  const label = `The file ${JSON.stringify(fileName.slice(0, 100))}`;
  checkFileSize(bytes, label);
  const found = await read(bytes, label);
  const rows = checkedRows(found.rows, label);
  if (width !== undefined) checkWidth(rows, width, label);
  const passport = found.passport === undefined ? undefined : decodeMeta(found.passport, label);
  const text = (value: unknown, max: number): string | undefined =>
    typeof value === "string" && value !== "" ? value.slice(0, max) : undefined;
  const author = text(found.author, 200);
  const licence = text(found.licence, 500);
  const id = text(found.model?.id, 300);
  return {
    name: passport?.name ?? nameFrom([...found.names, fileName.replace(/^.*[/\\]|\.[a-z]+$/gi, "")]),
    rows,
    format: found.format,
    ...(author === undefined ? {} : { author }),
    ...(licence === undefined ? {} : { licence }),
    ...(Number.isSafeInteger(found.steps) && Number(found.steps) >= 0 ? { steps: Number(found.steps) } : {}),
    ...(id === undefined ? {} : { baseModel: { id, hash: text(found.model?.hash, 64) ?? "unknown" } }),
    ...(passport === undefined ? {} : { passport }),
  };
}

async function read(bytes: Uint8Array, label: string): Promise<Found> {
  if (isPng(bytes)) {
    const { dict, passport } = await readCard(bytes, label);
    const found = fromDict(jsonDict(dict, label), "PNG card", label);
    return passport === undefined ? found : { ...found, passport };
  }
  if (startsWith(bytes, [0x50, 0x4b, 0x03, 0x04])) {
    const value = readTorchFile(bytes, label);
    return fromDict(value instanceof Map ? value : new Map([["", value]]), "PyTorch file", label);
  }
  // A safetensors file may begin with the same two bytes; its ninth is "{".
  if (bytes[0] === 0x80 && (bytes[1] ?? 0) <= 5 && bytes[8] !== 0x7b) {
    refuse(
      label,
      "it is a bare pickle, as PyTorch before 1.6 wrote them. Open it with PyTorch and save it again, or as .safetensors",
    );
  }
  if (bytes[8] !== 0x7b) {
    const expected = ".safetensors, a .pt or .bin of PyTorch 1.6 or newer, or a PNG card";
    refuse(label, `expected ${expected}, got ${sniffFormat(bytes)}`);
  }
  return fromSafetensors(bytes, label);
}

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => bytes[i] === byte);

function fromSafetensors(bytes: Uint8Array, label: string): Found {
  const { tensors, metadata } = parse(bytes, { label, maxHeaderBytes: maxConceptHeaderBytes });
  const passport = metadata.get(metadataKey);
  const { key, rows } = theTensor(tensors, label);
  const format = key === "clip_l" && passport !== undefined ? "concept file" : `${formOf(key)} safetensors`;
  return {
    rows,
    format,
    names: [metadata.get("modelspec.trigger_phrase"), metadata.get("modelspec.title"), key],
    author: metadata.get("modelspec.author"),
    licence: metadata.get("modelspec.license"),
    ...(passport === undefined ? {} : { passport }),
  };
}

/** Keys that say which tool wrote the file, not what the word is. */
const toolKeys: readonly string[] = ["emb_params", "emp_params", "clip_l"];
const formOf = (key: string): string => (toolKeys.includes(key) ? key : "one-tensor");

/** The tensor that is the concept, of all that a dict has. */
function theTensor(
  tensors: ReadonlyMap<string, Tensor>,
  label: string,
): { readonly key: string; readonly rows: Tensor } {
  for (const key of toolKeys) {
    const rows = tensors.get(key);
    if (rows !== undefined) return { key, rows };
  }
  const [first] = tensors;
  if (first !== undefined && tensors.size === 1) return { key: first[0], rows: first[1] };
  const names = [...tensors.keys()].slice(0, 5).map((key) => JSON.stringify(key.slice(0, 40)));
  return refuse(
    label,
    `expected one tensor (or emb_params, emp_params, clip_l), found ${tensors.size}: ${names.join(", ")}`,
  );
}

const isTensor = (value: unknown): value is Tensor => typeof value === "object" && value !== null && "dtype" in value;

/** A dict of AUTOMATIC1111 (string_to_param) or diffusers (one token → tensor), or a bare tensor under "". */
function fromDict(dict: ReadonlyMap<string, unknown>, format: string, label: string): Found {
  const params = dict.get("string_to_param");
  if (params === undefined) {
    const tensors = new Map([...dict].filter((entry): entry is [string, Tensor] => isTensor(entry[1])));
    const { key, rows } = theTensor(tensors, label);
    return { rows, format: `${formOf(key)} ${format}`, names: [dict.get("name"), key], steps: dict.get("step") };
  }
  const tensors = params instanceof Map ? [...params.values()].filter(isTensor) : [];
  const [rows] = tensors;
  if (rows === undefined || tensors.length > 1)
    return refuse(label, `its string_to_param has ${tensors.length} tensors, expected one`);
  return {
    rows,
    format: `string_to_param ${format}`,
    names: [dict.get("name")],
    steps: dict.get("step"),
    model: { id: dict.get("sd_checkpoint_name"), hash: dict.get("sd_checkpoint") ?? dict.get("hash") },
  };
}

/** A card's JSON as the dict it stands for: {"TORCHTENSOR": rows} is a tensor. Two levels, as deep as such dicts go. */
function jsonDict(value: unknown, label: string, depth = 0): ReadonlyMap<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || depth > 2) {
    return refuse(label, "its card does not hold the dict of a concept");
  }
  const entries = Object.entries(value).map(([key, item]: [string, unknown]): readonly [string, unknown] => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return [key, item];
    if ("TORCHTENSOR" in item) return [key, jsonTensor(item.TORCHTENSOR, label)];
    return [key, jsonDict(item, label, depth + 1)];
  });
  return new Map(entries);
}

function jsonTensor(value: unknown, label: string): Tensor {
  const rows = Array.isArray(value) ? (Array.isArray(value[0]) ? value : [value]) : [];
  const width = Array.isArray(rows[0]) ? rows[0].length : 0;
  const fits = rows.every(
    (row) => Array.isArray(row) && row.length === width && row.every((x) => typeof x === "number"),
  );
  if (!fits || width === 0) return refuse(label, "its card's numbers are not rows of one width");
  const shape = [rows.length, width];
  const data = new Float32Array(sizeOf(shape));
  for (const [i, row] of rows.entries()) data.set(row, i * width);
  return tensor(data, shape);
}

/** The first text that is a name, brackets and characters that names lack left out; else one made from the last. */
function nameFrom(texts: readonly unknown[]): ConceptName {
  const candidates = texts.filter(
    (text): text is string => typeof text === "string" && !["", "*", ...toolKeys].includes(text),
  );
  for (const text of candidates) {
    const parsed = Name.safeParse(text.slice(0, 200).replace(/^<|>$/g, ""));
    if (parsed.success) return parsed.data;
  }
  for (const text of candidates) {
    const name = suggestConceptName(text);
    if (name !== "concept") return name;
  }
  return "concept";
}

/** An imported file as a concept of `owner`. `name` overrides the file's own. Base model and initialiser are as far known as
 * the file says them; keys of the store and ids that it may name are not believed. */
export function adoptConcept(
  imported: ImportedConcept,
  {
    id,
    owner,
    name,
    created,
  }: { readonly id: string; readonly owner: Owner; readonly name?: ConceptName; readonly created: string },
): Concept {
  const { passport, rows } = imported;
  const [tokens = 0, width = 0] = rows.shape;
  const author = imported.author ?? passport?.owner.name;
  const meta: ConceptMeta = {
    initialiser: { kind: "star", text: "" },
    baseModel: imported.baseModel ?? { id: "unknown", hash: "unknown" },
    templates: "",
    steps: imported.steps ?? 0,
    seed: 0,
    loss: [],
    licence: imported.licence ?? "",
    ...(passport && publicMeta(passport)),
    id,
    version: 1,
    name: name ?? imported.name,
    owner,
    scope: "private",
    scopeId: owner.id,
    tokens,
    width,
    created,
    versions: [],
    origin: { format: imported.format, ...(author === undefined ? {} : { author }) },
  };
  return { meta, rows };
}
