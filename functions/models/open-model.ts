import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../shared/error.ts";
import type { Graph } from "../graph/graph.ts";
import { input, type Value } from "../graph/value.ts";
import type { Engine, Session } from "../onnx/engine.ts";
import { lower } from "../onnx/lower.ts";
import { scale } from "../ops/multiply.ts";
import { concat, part } from "../tensor/batch.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { assertFit } from "./assert-fit.ts";
import { type AutoencoderConfig, decoder, downscaleOf, encoder, openAutoencoder } from "./autoencoder.ts";
import { type ClipTextConfig, clipText, openClipText, tokenEmbedding } from "./clip-text.ts";
import { type Component, readConfig } from "./component.ts";
import { fingerprint } from "./fingerprint.ts";
import { assertFiniteWeights } from "./finite-weights.ts";
import { type LookEncoder, openLookEncoder } from "./look-encoder.ts";
import type { Model } from "./model.ts";
import { alphasCumprod, betaSchedules } from "./noise-schedule.ts";
import { rememberRows } from "./remembered-rows.ts";
import { openTokenizer } from "./tokenizer.ts";
import { timestepFeatures, unet } from "./unet.ts";
import { openUnet, type UnetConfig } from "./unet-config.ts";

/** Keys that change the noise a model was trained with in a way that is not implemented: on another schedule it would draw and learn
 * badly, and nobody would know why. Refused by rules beside the object's keys: parsed, those would change the fingerprint. */
const otherSchedules = ["rescale_betas_zero_snr", "trained_betas"] as const;

/** The keys of scheduler_config.json that describe the trained model rather than a sampler. */
const SchedulerKeys = z.looseObject({
  num_train_timesteps: z.int().min(2).max(100_000).default(1000),
  beta_start: z.number().positive().lt(1).default(0.0001),
  beta_end: z.number().positive().lt(1).default(0.02),
  beta_schedule: z.enum(betaSchedules).default("linear"),
  prediction_type: z.enum(["epsilon", "v_prediction"]).default("epsilon"),
  steps_offset: z.int().min(0).default(0),
  set_alpha_to_one: z.boolean().default(true),
  timestep_spacing: z.enum(["leading", "linspace", "trailing"]).optional(),
});
const SchedulerConfig = otherSchedules.reduce(
  (schema, key) =>
    schema.refine((config) => !config[key], {
      path: [key],
      message:
        "checkpoints trained on such a noise schedule are not supported, use one where this is absent, null or false",
    }),
  SchedulerKeys,
);

/** The parts of an opened checkpoint that training builds its own graph from. */
export interface Parts {
  readonly text: Component<ClipTextConfig>;
  readonly unet: Component<UnetConfig>;
  readonly autoencoder: Component<AutoencoderConfig>;
}

/** Tensors by name, f32 [B, …] each. */
export type Feeds = Readonly<Record<string, Tensor>>;

/** A model that also runs other graphs over its parts: inversion's loss, for one. */
export interface OpenedModel extends Model {
  readonly parts: Parts;
  /** Runs a graph of feeds of these shapes; its session is cached by name and shapes, so a name must always mean the same graph.
   * Feeds and outputs begin with the batch, whose rows must know nothing of each other: the engine's lanes share them. */
  run(name: string, graph: (feeds: Feeds) => Graph, feeds: Feeds): Promise<Feeds>;
  /** Of models that came with one. */
  readonly look?: LookEncoder;
}

const isFiniteTensor = ({ data }: Tensor): boolean => data.every(Number.isFinite);

/** Above this much weight data one session per graph is kept, below it several batch sizes at once. */
const bigModelBytes = 500_000_000;

/** Opens a diffusers folder and checks that its configs and weights fit together. No weight is read until first used;
 * sessions are cached per graph, batch and size, and calls run one after another, as the engine does.
 * @param lookEncoder folder of the model's look encoder, if it has one
 * @throws UserError not_found, bad_config, bad_safetensors naming the file and the key */
export function openModel(id: string, folder: string, engine: Engine, lookEncoder?: string): OpenedModel {
  const parts: Parts = { text: openClipText(folder), unet: openUnet(folder), autoencoder: openAutoencoder(folder) };
  assertFit(parts, folder);
  const scheduler = readConfig(join(folder, "scheduler", "scheduler_config.json"), SchedulerConfig);
  const files = [parts.text, parts.unet, parts.autoencoder].flatMap((part) => part.files);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const sessions = createSessions(engine, bytes > bigModelBytes ? 1 : 4);
  const config = parts.unet.config;
  const width = parts.text.config.hidden_size;
  const { scaling_factor: scalingFactor } = parts.autoencoder.config;
  const target = engine.providers[0] ?? "cpu";

  const sessionFor = async (kind: string, graph: (feeds: Feeds) => Graph, feeds: Feeds): Promise<Session> => {
    const shapes = Object.values(feeds).map((feed) => `[${feed.shape}]`);
    return sessions(kind, shapes.join(" "), () => lower(graph(feeds), { preset: engine.preset, target }));
  };
  const runOnce = async (kind: string, graph: (feeds: Feeds) => Graph, feeds: Feeds): Promise<Feeds> => {
    try {
      const shares = sharesOf(feeds, engine.lanes);
      const loaded: Session[] = [];
      for (const share of shares) loaded.push(await sessionFor(kind, graph, share));
      const results = await Promise.all(shares.map((share, i) => (loaded[i] as Session).run(share) as Promise<Feeds>));
      const outputs = results.length === 1 ? (results[0] as Feeds) : joined(results);
      if (!Object.values(outputs).every(isFiniteTensor)) assertFiniteWeights(files);
      return outputs;
    } catch (error) {
      // The process that held the sessions is gone: the next call loads them into a new one.
      if (error instanceof UserError && error.code === "engine_failed") sessions.forget();
      throw error;
    }
  };
  // One after another: a session must not be closed to make room while another call is about to use it.
  let last: Promise<unknown> = Promise.resolve();
  const run: typeof runOnce = (...call) => {
    const next = last.then(() => runOnce(...call));
    last = next.catch(() => undefined);
    return next;
  };
  const result = (outputs: Readonly<Record<string, Tensor>>, name: string): Tensor => outputs[name] as Tensor;
  const tokenizer = openTokenizer(folder, parts.text.config);
  const embed = rememberRows((ids) => parts.text.rows(tokenEmbedding, ids), width);

  return {
    id,
    hash: fingerprint([parts.text, parts.unet, parts.autoencoder], scheduler),
    tokenizer,
    width,
    side: config.sample_size * downscaleOf(parts.autoencoder.config),
    latentShape: [config.in_channels, config.sample_size, config.sample_size],
    prediction: scheduler.prediction_type,
    alphasCumprod: alphasCumprod({
      schedule: scheduler.beta_schedule,
      betaStart: scheduler.beta_start,
      betaEnd: scheduler.beta_end,
      timesteps: scheduler.num_train_timesteps,
    }),
    scheduler: {
      stepsOffset: scheduler.steps_offset,
      setAlphaToOne: scheduler.set_alpha_to_one,
      ...(scheduler.timestep_spacing && { spacing: scheduler.timestep_spacing }),
    },
    scalingFactor,
    embed,
    encodeText: async (embeddings) => {
      const graph = (feeds: Feeds) => ({
        outputs: { context: clipText(parts.text, placeholder(feeds, "embeddings")) },
      });
      return result(await run("text_encoder", graph, { embeddings }), "context");
    },
    predict: async (latents, timesteps, context) => {
      const timeFeatures = timestepFeatures(config, timesteps);
      const graph = (feeds: Feeds) => ({
        outputs: {
          prediction: unet(parts.unet, {
            latents: placeholder(feeds, "latents"),
            timeFeatures: placeholder(feeds, "timeFeatures"),
            context: placeholder(feeds, "context"),
          }),
        },
      });
      return result(await run("unet", graph, { latents, timeFeatures, context }), "prediction");
    },
    encodePixels: async (pixels) => {
      const graph = (feeds: Feeds) => ({
        outputs: encoder(parts.autoencoder, placeholder(feeds, "pixels")) as Graph["outputs"],
      });
      const outputs = await run("encoder", graph, { pixels });
      return { mean: result(outputs, "mean"), logVariance: result(outputs, "logVariance") };
    },
    decodeLatents: async (latents) => {
      const graph = (feeds: Feeds) => ({
        outputs: { pixels: decoder(parts.autoencoder, scale(placeholder(feeds, "latents"), 1 / scalingFactor)) },
      });
      return result(await run("decoder", graph, { latents }), "pixels");
    },
    close: () => last.then(() => sessions.close()),
    parts,
    run,
    ...(lookEncoder && { look: openLookEncoder(lookEncoder, engine, embed([tokenizer.beginId])) }),
  };
}

/** The input of a graph for a feed. @throws Error when there is none of this name */
export function placeholder(feeds: Feeds, name: string): Value {
  const feed = feeds[name];
  if (!feed) throw new Error(`placeholder: no feed "${name}" among ${Object.keys(feeds).join(", ")}`);
  return input(name, feed.shape);
}

/** Feeds cut into at most `count` parts of about as many rows each. */
function sharesOf(feeds: Feeds, count: number): readonly Feeds[] {
  const rows = Object.values(feeds)[0]?.shape[0] ?? 1;
  const parts = Math.min(count, rows);
  if (parts === 1) return [feeds];
  const edge = (i: number): number => Math.floor((i * rows) / parts);
  return Array.from({ length: parts }, (_, i) =>
    Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, part(feed, edge(i), edge(i + 1))])),
  );
}

const joined = (results: readonly Feeds[]): Feeds =>
  Object.fromEntries(
    Object.keys(results[0] ?? {}).map((name) => [name, concat(results.map((result) => result[name] as Tensor))]),
  );

interface Sessions {
  /** Drops every cached session without closing it. */
  forget(): void;
  (kind: string, shapes: string, build: () => ReturnType<typeof lower>): Promise<Session>;
  close(): Promise<void>;
}

/** Least recently used sessions of each kind are closed beyond the limit; failed loads are forgotten. */
function createSessions(engine: Engine, maxPerKind: number): Sessions {
  const kinds = new Map<string, Map<string, Promise<Session>>>();
  const get = async (kind: string, shapes: string, build: () => ReturnType<typeof lower>): Promise<Session> => {
    const cache = kinds.get(kind) ?? new Map<string, Promise<Session>>();
    kinds.set(kind, cache);
    const session = cache.get(shapes) ?? engine.load(build(), { label: kind });
    cache.delete(shapes);
    cache.set(shapes, session);
    session.catch(() => cache.delete(shapes));
    for (const [oldest, stale] of cache) {
      if (cache.size <= maxPerKind) break;
      cache.delete(oldest);
      await (await stale).close();
    }
    return session;
  };
  const close = async (): Promise<void> => {
    const open = [...kinds.values()].flatMap((cache) => [...cache.values()]);
    kinds.clear();
    for (const session of open) await (await session).close();
  };
  return Object.assign(get, { close, forget: () => kinds.clear() });
}
