import type { ConceptMeta } from "../../shared/concept.ts";
import type { DrawnPicture, ExplainInput, ExplainOutput, TaskEvent } from "../../shared/job.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import { beginning } from "../../shared/short.ts";
import type { Concept } from "../concepts/concept-file.ts";
import { attentionHeat } from "../drawing/attention-heat.ts";
import { drawLatents, encodePosterior } from "../inversion/posterior.ts";
import type { TaskContext } from "../jobs/runner.ts";
import { type NearWord, nearestWords } from "../models/nearest-words.ts";
import type { OpenedModel } from "../models/open-model.ts";
import { type ConceptPlace, promptTokens } from "../models/prompt-tokens.ts";
import { stack } from "../tensor/batch.ts";
import { decodeMask, resizeMask } from "../tensor/mask.ts";
import { type Picture, readPicture, resizePicture } from "../tensor/pixels.ts";
import { tensor } from "../tensor/tensor.ts";
import { type AttentionMap, attentionMaps, enlarge } from "./attention-maps.ts";
import { drawn, drawPictures } from "./draw-pictures.ts";
import type { Workbench } from "./workbench.ts";

type OpenModel = Awaited<ReturnType<Workbench["model"]>>;
type Row = ExplainOutput["rows"][number];

/** Side in pixels at which heat is laid over the picture: fine enough to be smooth, whatever the model's side. */
const heatSide = 256;
const seed = 0;

/** What a concept means to the model: the nearest words of each row before and after learning, and where each row looks in
 * the picture it was learned from (its owner's eyes only), else in its preview, else in one drawn for this. */
export async function* explain(
  bench: Workbench,
  input: ExplainInput,
  { files, signal }: TaskContext,
): AsyncGenerator<TaskEvent> {
  const concept = await bench.library.load(input.concept, input.viewer);
  const { meta } = concept;
  const model = await bench.model();
  yield { type: "progress", stage: "explain", step: 0, total: 100 };
  const { embeddings, concepts } = promptTokens(model, ["a photo of ", { name: `<${meta.name}>`, rows: concept.rows }]);
  const { start, count } = concepts[0] as ConceptPlace;
  const rows = rowsOf(model, concept);
  const shown = await pictureOf(model, concept, input.viewer?.user.id === meta.owner.id, { files, signal });
  signal.throwIfAborted();
  const { width, height } = shown.picture;
  const posterior = await encodePosterior(model, shown.picture);
  const still = tensor(new Float32Array(posterior.mean.data.length), posterior.mean.shape);
  const latents = drawLatents(posterior, still, model.scalingFactor);
  const context = await model.encodeText(stack([embeddings]));
  const looking = attentionMaps(model, { latents, context, start, count }, seed);
  let next = await looking.next();
  for (; !next.done; next = await looking.next()) {
    signal.throwIfAborted();
    yield { type: "progress", stage: "explain", step: Math.round(100 * next.value), total: 100 };
  }
  const inside = shown.maskKey && resizeMask(await decodeMask(await files.read(shown.maskKey)), width, height).data;
  const bytes = await attentionHeat({
    title: `What I think <${meta.name}> is`,
    caption: `Where its tokens look, bright is most${inside ? `; it covers ${percent(coverage(inside))} of the picture` : ""}`,
    picture: await resizePicture(shown.picture, { width: heatSide, height: heatSide, fit: "fill" }),
    tiles: next.value.map((map, i) => ({
      caption: captionOf(rows[i] as Row, i, inside && shareInside(map, inside, width, height)),
      heat: heatOf(map),
    })),
  });
  const { width: drawnWidth, height: drawnHeight } = await readPicture(bytes);
  const picture: DrawnPicture = {
    ...{ key: await files.write("attention.png", bytes), kind: "chart", width: drawnWidth, height: drawnHeight },
    alt: `Where each of the ${count} tokens of <${meta.name}> looks in a picture of it`,
  };
  const used = { id: meta.id, version: meta.version, name: meta.name, owner: meta.owner, scope: meta.scope };
  yield {
    type: "output",
    output: { task: "explain", concept: used, rows, pictures: [picture], notes: notesOf(meta, model) },
  };
}

/** Words then and now. What an imported concept began as is not known, nor is what it began as on another vocabulary. */
function rowsOf(model: OpenedModel, { meta, rows }: Concept): Row[] {
  const ids = model.tokenizer.encode(meta.initialiser.text);
  const isKnown = meta.origin === undefined && ids.length === rows.shape[0];
  const after = nearestWords(model, rows);
  const before = isKnown ? nearestWords(model, model.embed(ids)) : undefined;
  return after.map((near, i) => ({
    ...(isKnown && {
      token: beginning(model.tokenizer.decode([ids[i] as number]).trim(), 100),
    }),
    before: rounded(before?.[i] ?? []),
    after: rounded(near),
  }));
}

const rounded = (near: readonly NearWord[]) =>
  near.map(({ word, score }) => ({ word: beginning(word, 100), score: Number(score.toFixed(4)) }));

/** Of the model's size, with the mask where the picture is the one that was clicked. Others than its owner are never shown the
 * picture that a concept was learned from. */
async function pictureOf(
  model: OpenModel,
  { meta, rows }: Concept,
  isOwner: boolean,
  { files, signal }: Pick<TaskContext, "files" | "signal">,
): Promise<{ readonly picture: Picture; readonly maskKey?: string | undefined }> {
  const size = { width: model.side, height: model.side, fit: "fill" } as const;
  const kept = (isOwner ? meta.source : undefined) ?? meta.preview;
  if (kept !== undefined) {
    const picture = await resizePicture(await readPicture(await files.read(kept)), size);
    return { picture, ...(kept === meta.source && { maskKey: meta.mask }) };
  }
  const { pictures } = await drawn(
    drawPictures(model, {
      prompt: parsePrompt(`a photo of <${meta.name}>`),
      negative: "",
      findRows: async () => rows,
      sampler: "dpmpp-2m-karras",
      steps: model.about.defaults.steps,
      guidance: model.about.defaults.guidance,
      seeds: [seed],
      signal,
    }),
  );
  return { picture: pictures[0] as Picture };
}

/** 0 where it looks least, 1 where it looks most. */
function heatOf(map: AttentionMap): Float32Array {
  const heat = enlarge(map, heatSide, heatSide);
  const [least, most] = heat.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  return heat.map((x) => (most > least ? (x - least) / (most - least) : 0));
}

/** How much of its attention lies on the thing, 0–1. */
function shareInside(map: AttentionMap, mask: ArrayLike<number>, width: number, height: number): number {
  const data = enlarge(map, width, height);
  const total = data.reduce((sum, x) => sum + x, 0);
  return total === 0 ? 0 : data.reduce((sum, x, i) => sum + (mask[i] ? x : 0), 0) / total;
}

function captionOf({ token, after }: Row, index: number, share: number | undefined | ""): string {
  const words = after.slice(0, 2).map(({ word }) => word);
  const place = typeof share === "number" ? ` · ${percent(share)} on it` : "";
  return `${index + 1} ${token === undefined ? "" : `“${token}” `}${token === undefined ? "" : "now "}${words.join(", ")}${place}`;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
const coverage = (mask: Uint8Array): number => mask.reduce((sum, inside) => sum + Number(inside > 0), 0) / mask.length;

function notesOf(meta: ConceptMeta, model: OpenedModel): string[] {
  if (meta.baseModel.hash === model.hash || meta.baseModel.hash === "unknown") return [];
  return [`<${meta.name}> was learned on ${meta.baseModel.id}, not on ${model.id}: words and places may be off.`];
}
