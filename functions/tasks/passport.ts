import { createHash } from "node:crypto";
import type { ConceptMeta, Id } from "../../shared/concept.ts";
import type { DrawnPicture, LearnInput } from "../../shared/job.ts";
import type { Initialiser } from "../inversion/initialiser.ts";
import type { LearnOptions } from "../inversion/learn-options.ts";
import type { LearnState } from "../inversion/learn-state.ts";
import { templateSet } from "../inversion/templates.ts";
import type { Model } from "../models/model.ts";
import type { Subject } from "./subject.ts";

/** The id of the concept that a learn job makes: the same on every attempt, so that two attempts publish once. */
export const conceptIdOf = (jobId: Id): Id =>
  createHash("sha256").update(`concept ${jobId}`).digest("hex").slice(0, 24);

/** What is known about a concept when it was just learned, private at first. */
export function passport(
  input: LearnInput,
  made: {
    readonly subject: Subject;
    readonly model: Pick<Model, "id" | "hash">;
    readonly options: LearnOptions;
    readonly initialiser: Initialiser;
    readonly state: LearnState;
    readonly pictures: readonly DrawnPicture[];
    readonly morePictures: NonNullable<ConceptMeta["morePictures"]>;
    readonly jobId: string;
    /** ISO time. */
    readonly created: string;
  },
): ConceptMeta {
  const { subject, model, options, initialiser, state } = made;
  const [tokens, width] = state.best.rows.shape as [number, number];
  const preview = made.pictures.find(({ kind }) => kind === "picture");
  return {
    id: conceptIdOf(made.jobId),
    version: 1,
    name: input.name,
    owner: input.owner,
    scope: "private",
    scopeId: input.owner.id,
    initialiser: { kind: initialiser.kind, text: initialiser.text },
    baseModel: { id: model.id, hash: model.hash },
    tokens,
    width,
    templates: templateSet,
    steps: input.steps,
    bestStep: state.best.step,
    seed: options.seed,
    mode: input.mode,
    ...(Object.keys(input.improvements).length > 0 && { improvements: input.improvements }),
    batch: input.batch,
    ...(input.learningRate !== undefined && { learningRate: input.learningRate }),
    loss: [...state.curve],
    caption: subject.caption,
    className: subject.className,
    ...(subject.maskKey && { mask: subject.maskKey }),
    ...(preview && { preview: preview.key }),
    source: input.picture,
    ...(made.morePictures.length > 0 && { morePictures: made.morePictures }),
    created: made.created,
    licence: input.licence,
    versions: [],
  };
}
