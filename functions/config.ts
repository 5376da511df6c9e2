import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseEnv } from "node:util";
import { z } from "zod";
import { UserError } from "../shared/error.ts";
import { minSecretCharacters } from "../shared/identity.ts";
import type { Preset, Provider } from "./onnx/engine.ts";

/** The settings of this process. */
export interface Config {
  /** A name of the catalogue, a diffusers folder or a Hub repository; the embedded model when absent. */
  readonly model?: string;
  /** Store URL: `file:./.data`. */
  readonly store: string;
  /** Folder of the command line's concepts. */
  readonly concepts: string;
  readonly threads: number;
  /** `auto` leaves the choice to the memory that is free. */
  readonly preset: Preset | "auto";
  readonly providers: readonly Provider[];
  readonly engine:
    | { readonly kind: "local" }
    | { readonly kind: "http"; readonly url: string; readonly coldStartMs: number };
  /** 0 is any free port. */
  readonly port: number;
  readonly signingSecret?: string;
  readonly vision:
    | { readonly kind: "local" }
    | { readonly kind: "huggingface"; readonly token: string; readonly captioner: string; readonly classifier: string };
  /** Where checkpoints come from; `cache` is the folder that keeps them. */
  readonly hub: { readonly endpoint: string; readonly token?: string; readonly cache?: string };
}

const wholeNumber = (from: number, to: number) =>
  z
    .stringFormat("whole number", /^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= from && value <= to);

const httpUrl = z.url({ protocol: /^https?$/ });

/** Every variable there is. The description says what it may be: people read it in errors and in `.env.example`. */
export const Environment = z.object({
  MODEL: z
    .string()
    .optional()
    .describe("a name of the catalogue, a folder in diffusers layout, or a Hugging Face repository as owner/name"),
  MODEL_CACHE: z
    .string()
    .optional()
    .describe("the folder that keeps downloaded checkpoints; .cache/eponym/models in the home folder when left out"),
  STORE: z
    .stringFormat("store URL", /^[a-z][a-z0-9]*:.+$/)
    .default("file:./.data")
    .describe("the URL of a store, such as file:./.data"),
  CONCEPTS: z.string().default("./concepts").describe("the folder where the command line keeps concepts"),
  THREADS: wholeNumber(1, 256)
    .optional()
    .describe("a whole number from 1 to 256: threads to compute with; as many as there are processors when left out"),
  PRESET: z
    .enum(["auto", "speed", "lean"])
    .default("auto")
    .describe("auto (by free memory), speed (fastest, most memory) or lean (least memory)"),
  PROVIDERS: z
    .string()
    .transform((list) => list.split(",").map((name) => name.trim()))
    .pipe(z.array(z.enum(["cuda", "cpu"])).max(2))
    .default(["cpu"])
    .describe("cpu, cuda, or cuda,cpu: execution providers in order of preference"),
  ENGINE: z
    .enum(["local", "http"])
    .default("local")
    .describe("local (jobs run in this service) or http (jobs run on the GPU function at ENGINE_URL)"),
  ENGINE_URL: httpUrl.optional().describe("the http or https address of a GPU function"),
  ENGINE_COLD_START_SECONDS: wholeNumber(0, 3600)
    .default(0)
    .describe("a whole number from 0 to 3600: how long that function takes to wake up, for honest estimates"),
  PORT: wholeNumber(0, 65_535).default(8080).describe("a port from 1 to 65535 to listen on, or 0 for any free one"),
  SIGNING_SECRET: z
    .string()
    .min(minSecretCharacters)
    .optional()
    .describe(`at least ${minSecretCharacters} characters, the same for the bot, the gateway and the GPU function`),
  VISION: z
    .enum(["local", "huggingface"])
    .default("local")
    .describe("local (describe on this machine) or huggingface (hosted captioner and classifier, with HF_TOKEN)"),
  VISION_CAPTIONER: z
    .string()
    .min(1)
    .default("Qwen/Qwen2.5-VL-7B-Instruct")
    .describe("a vision-language chat model: a Hugging Face repository, or the http address of an endpoint"),
  VISION_CLASSIFIER: z
    .string()
    .min(1)
    .default("google/vit-base-patch16-224")
    .describe("an image classifier: a Hugging Face repository, or the http address of an endpoint"),
  HF_TOKEN: z
    .stringFormat("token", /^\S+$/)
    .optional()
    .describe("a Hugging Face access token, without spaces: for gated checkpoints and hosted vision"),
  HF_ENDPOINT: httpUrl
    .default("https://huggingface.co")
    .describe("the http or https address of the Hugging Face Hub or of a mirror"),
});

type Name = keyof typeof Environment.shape;
type Variables = Readonly<Record<string, string | undefined>>;

const secrets: readonly Name[] = ["SIGNING_SECRET", "HF_TOKEN"];

/** The settings in the environment and, for what that leaves out, in a `.env` file of the working folder. An empty variable
 * counts as left out. @throws UserError bad_config that names every wrong variable, what came (never a secret) and what
 * is allowed */
export function readConfig(variables: Variables = { ...readDotEnv(), ...process.env }): Config {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value?.trim()));
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map((issue) => issue.path[0] as Name));
    throw new UserError("bad_config", [...names].map((name) => complaint(name, given[name] ?? "")).join("\n"));
  }
  const { MODEL, MODEL_CACHE, SIGNING_SECRET, HF_TOKEN, ...env } = parsed.data;
  return {
    ...(MODEL && { model: MODEL }),
    store: env.STORE,
    concepts: env.CONCEPTS,
    threads: env.THREADS ?? availableParallelism(),
    preset: env.PRESET,
    providers: env.PROVIDERS,
    engine:
      env.ENGINE === "local"
        ? { kind: "local" }
        : {
            kind: "http",
            url: env.ENGINE_URL ?? demand("ENGINE_URL", "ENGINE is http"),
            coldStartMs: env.ENGINE_COLD_START_SECONDS * 1000,
          },
    port: env.PORT,
    ...(SIGNING_SECRET && { signingSecret: SIGNING_SECRET }),
    vision:
      env.VISION === "local"
        ? { kind: "local" }
        : {
            kind: "huggingface",
            token: HF_TOKEN ?? demand("HF_TOKEN", "VISION is huggingface"),
            captioner: env.VISION_CAPTIONER,
            classifier: env.VISION_CLASSIFIER,
          },
    hub: {
      endpoint: env.HF_ENDPOINT,
      ...(HF_TOKEN && { token: HF_TOKEN }),
      ...(MODEL_CACHE && { cache: MODEL_CACHE }),
    },
  };
}

function readDotEnv(): Variables {
  return existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {};
}

const meaningOf = (name: Name): string => Environment.shape[name].description ?? "";

function complaint(name: Name, value: string): string {
  const came = secrets.includes(name) ? `set to ${value.length} characters that do not fit` : JSON.stringify(value);
  return `${name} is ${came}; expected ${meaningOf(name)}. Change it in the environment or in .env.`;
}

function demand(name: Name, because: string): never {
  throw new UserError("bad_config", `${name} is missing, but ${because}; expected ${meaningOf(name)}.`);
}
