import { ConceptMeta } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { parse } from "../tensor/safetensors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { encode } from "../tensor/write-safetensors.ts";
import { checkedRows, checkFileSize } from "./checked-rows.ts";
import { modelspec } from "./modelspec.ts";

/** A learned word: what is known about it, and its rows f32 [n, d], n = meta.tokens, d = meta.width. */
export interface Concept {
  readonly meta: ConceptMeta;
  readonly rows: Tensor;
  /** What the rows began as, of the same shape. Absent in files of before this was kept, and of other tools. */
  readonly initial?: Tensor;
}

/** The tensor of `initial`. */
const initialKey = "initial";

/** Our metadata's key in a safetensors header and in a PNG. */
export const metadataKey = "eponym";

/** Room for the header: the longest loss curve takes a third. */
export const maxConceptHeaderBytes = 2 * 1024 * 1024;

/** Our concept file: a safetensors file with the tensors `clip_l` and, where known, `initial`, f32 [n, d], the passport as JSON under `eponym`, and
 * modelspec.* for tools that read those. @throws UserError bad_concept when rows and passport disagree */
export function encodeConcept({ meta, rows, initial }: Concept): Uint8Array {
  const checked = (tensor: Tensor): Tensor => checkAgainst(meta, checkedRows(tensor, `The concept <${meta.name}>`));
  const tensors = { clip_l: checked(rows), ...(initial && { [initialKey]: checked(initial) }) };
  return encode(tensors, { [metadataKey]: JSON.stringify(meta), ...modelspec(meta) });
}

/** Reads a file that `encodeConcept` wrote. Files of other tools: see `importConcept`.
 * @throws UserError bad_safetensors | bad_concept | too_large */
export function decodeConcept(bytes: Uint8Array, label = "The concept file"): Concept {
  checkFileSize(bytes, label);
  const { metadata, tensors } = parse(bytes, { label, maxHeaderBytes: maxConceptHeaderBytes });
  const rows = tensors.get("clip_l");
  const text = metadata.get(metadataKey);
  if (rows === undefined || text === undefined) {
    throw new UserError(
      "bad_concept",
      `${label} is not one of ours: expected the tensor clip_l and the text ${metadataKey}.`,
    );
  }
  const meta = decodeMeta(text, label);
  const initial = tensors.get(initialKey);
  const checked = (tensor: Tensor): Tensor => checkAgainst(meta, checkedRows(tensor, label));
  return { meta, rows: checked(rows), ...(initial && { initial: checked(initial) }) };
}

/** Our passport from its JSON. @throws UserError bad_concept that names the first wrong field */
export function decodeMeta(text: string, label: string): ConceptMeta {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError("bad_concept", `${label} is damaged: its ${metadataKey} text is not JSON.`);
  }
  return checkedMeta(value, `${label} has a wrong ${metadataKey} text`);
}

/** A passport that can be read again. @throws UserError bad_concept that begins with `what` and names the first wrong field */
export function checkedMeta(value: unknown, what: string): ConceptMeta {
  const parsed = ConceptMeta.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  // Keys come from the file and may be long.
  const problem = [...(issue?.path ?? []), issue?.message].join(": ").slice(0, 300);
  throw new UserError("bad_concept", `${what}: ${problem}.`);
}

function checkAgainst(meta: ConceptMeta, rows: Tensor): Tensor {
  const [tokens, width] = rows.shape;
  if (tokens === meta.tokens && width === meta.width) return rows;
  throw new UserError(
    "bad_concept",
    `The concept <${meta.name}> says ${meta.tokens} rows of ${meta.width}, its tensor is [${rows.shape}].`,
  );
}

/** The passport as it may leave the house: without ids of people and servers and without keys of the store. */
export function publicMeta(meta: ConceptMeta): ConceptMeta {
  const { mask: _m, preview: _p, source: _s, morePictures: _more, ...rest } = meta;
  return { ...rest, owner: { id: "exported", name: meta.owner.name }, scope: "private", scopeId: "exported" };
}
