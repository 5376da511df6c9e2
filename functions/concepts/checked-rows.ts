import { UserError } from "../../shared/error.ts";
import { limits } from "../../shared/limits.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";

/** Rows from outside, as f32 [n, d]: a vector [d] counts as one row. 1 ≤ n ≤ limits.maxConceptTokens,
 * 1 ≤ d ≤ limits.maxConceptWidth, every value finite. @throws UserError bad_concept */
export function checkedRows(value: Tensor, label: string): Tensor {
  const shape = value.shape.length === 1 ? [1, ...value.shape] : value.shape;
  const [rows = 0, width = 0] = shape;
  if (shape.length !== 2) {
    throw new UserError(
      "bad_concept",
      `${label} has a tensor of shape [${value.shape}]; expected [rows, width] or [width].`,
    );
  }
  if (rows < 1 || rows > limits.maxConceptTokens) {
    throw new UserError("bad_concept", `${label} has ${rows} rows; a concept has 1 to ${limits.maxConceptTokens}.`);
  }
  if (width < 1 || width > limits.maxConceptWidth) {
    throw new UserError(
      "bad_concept",
      `${label} has rows of ${width} values; expected 1 to ${limits.maxConceptWidth}.`,
    );
  }
  const wrong = value.data.findIndex((x) => !Number.isFinite(x));
  if (wrong >= 0) {
    const place = `row ${Math.floor(wrong / width)}, column ${wrong % width}`;
    throw new UserError(
      "bad_concept",
      `${label} is damaged: ${place} is ${value.data[wrong]}. Learn or export it anew.`,
    );
  }
  return tensor(value.data, shape);
}

/** @throws UserError too_large */
export function checkFileSize(bytes: Uint8Array, label: string): void {
  const max = limits.maxConceptFileBytes;
  if (bytes.length > max) {
    throw new UserError("too_large", `${label} has ${bytes.length} bytes; a concept file has at most ${max}.`);
  }
}

/** Checks that the rows fit a model with embeddings of `width` values. @throws UserError bad_concept */
export function checkWidth(rows: Tensor, width: number, label: string): void {
  const got = rows.shape[1] ?? 0;
  if (got === width) return;
  const families = new Map([
    [768, " (Stable Diffusion 1.x)"],
    [1024, " (Stable Diffusion 2.x)"],
    [1280, " (the second text encoder of SDXL)"],
  ]);
  throw new UserError(
    "bad_concept",
    `${label} was made for a model with embeddings of ${got} values${families.get(got) ?? ""}; this model has ${width}${families.get(width) ?? ""}. Use it with a model of its own kind.`,
  );
}
