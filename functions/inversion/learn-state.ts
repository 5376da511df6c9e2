import { z } from "zod";
import { LossPoint } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { assertFinite, parse } from "../tensor/safetensors.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import { encode } from "../tensor/write-safetensors.ts";
import { freshMoments, type Moments } from "./adamw.ts";

/** Everything that the next step depends on; noise needs no state, it is counted. */
export interface LearnState {
  /** Steps done. */
  readonly step: number;
  /** f32 [n, D] */
  readonly rows: Tensor;
  /** What is evaluated, shown and kept: an average of the rows so far, or the rows themselves. */
  readonly average: Tensor;
  readonly moments: Moments;
  readonly best: { readonly step: number; readonly rows: Tensor; readonly loss: number };
  /** Evaluations since the best one. */
  readonly stale: number;
  readonly curve: readonly LossPoint[];
}

export const freshState = (rows: Tensor): LearnState => ({
  step: 0,
  rows,
  average: rows,
  moments: freshMoments(rows.data.length),
  best: { step: 0, rows, loss: Number.POSITIVE_INFINITY },
  stale: 0,
  curve: [],
});

const Numbers = z.object({
  step: z.int().min(0),
  bestStep: z.int().min(0),
  /** JSON has no infinity. */
  bestLoss: z.number().nullable(),
  stale: z.int().min(0),
  curve: z.array(LossPoint),
  /** What the run was asked for: a checkpoint of another run is refused. */
  run: z.string(),
});

/** A checkpoint as safetensors bytes. `run` identifies model, initialiser and options; `note` travels along unread. */
export function encodeState(state: LearnState, run: string, note = ""): Uint8Array {
  const { step, rows, average, moments, best, stale, curve } = state;
  const numbers = {
    step,
    bestStep: best.step,
    bestLoss: Number.isFinite(best.loss) ? best.loss : null,
    stale,
    curve,
    run,
  };
  const flat = (data: Float32Array): Tensor => tensor(data, rows.shape);
  const tensors = { rows, average, best: best.rows, first: flat(moments.first), second: flat(moments.second) };
  return encode(tensors, { state: JSON.stringify(numbers), note });
}

/** @throws UserError bad_safetensors when the bytes are no checkpoint, conflict when they are of another run */
export function decodeState(bytes: Uint8Array, run: string): { readonly state: LearnState; readonly note: string } {
  const file = parse(bytes, { label: "The checkpoint" });
  const numbers = Numbers.safeParse(JSON.parse(file.metadata.get("state") ?? "null"));
  const [rows, average, best, first, second] = ["rows", "average", "best", "first", "second"].map((name) =>
    file.tensors.get(name),
  );
  if (!numbers.success || !rows || !average || !best || !first || !second) {
    throw new UserError("bad_safetensors", "The checkpoint lacks parts of the learning state; start the concept anew.");
  }
  if (numbers.data.run !== run) {
    throw new UserError("conflict", "The checkpoint is of another picture, model or setting; start the concept anew.");
  }
  for (const part of [rows, average, best, first, second]) assertFinite(part, "The checkpoint");
  const { step, bestStep, bestLoss, stale, curve } = numbers.data;
  const state = {
    step,
    rows,
    average,
    moments: { step, first: first.data, second: second.data },
    best: { step: bestStep, rows: best, loss: bestLoss ?? Number.POSITIVE_INFINITY },
    stale,
    curve,
  };
  return { state, note: file.metadata.get("note") ?? "" };
}
