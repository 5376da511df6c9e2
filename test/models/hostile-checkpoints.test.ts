import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openModel } from "../../functions/models/open-model.ts";
import { zeros } from "../../functions/tensor/tensor.ts";
import { UserError } from "../../shared/error.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine("lean");
const root = mkdtempSync(join(tmpdir(), "eponym-hostile-"));
afterAll(() => rmSync(root, { recursive: true }));

const weights = {
  text_encoder: "text_encoder/model.safetensors",
  unet: "unet/diffusion_pytorch_model.safetensors",
  vae: "vae/diffusion_pytorch_model.safetensors",
} as const;

type Json = Record<string, unknown>;
type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** One way to break a checkpoint folder, and what the error must name. */
interface Kind {
  readonly what: string;
  readonly harm: (folder: string) => void;
  readonly names: readonly string[];
}

const config =
  (path: string, change: (json: Json) => unknown) =>
  (folder: string): void => {
    const json = JSON.parse(readFileSync(join(folder, path), "utf8")) as Json;
    writeFileSync(join(folder, path), JSON.stringify(change(json)));
  };
const set = (path: string, change: Json) => config(path, (json) => ({ ...json, ...change }));
const replace = (path: string, content: string | Uint8Array) => (folder: string) => {
  rmSync(join(folder, path), { force: true });
  writeFileSync(join(folder, path), content);
};
const link = (path: string, to: string) => (folder: string) => {
  rmSync(join(folder, path));
  symlinkSync(to, join(folder, path));
};

/** Rewrites a weight file: its header as text or object, and its data. */
const rewrite =
  (path: string, change: (header: Header, data: Buffer) => { header: unknown; data?: Uint8Array; length?: bigint }) =>
  (folder: string): void => {
    const bytes = readFileSync(join(folder, path));
    const end = 8 + Number(bytes.readBigUInt64LE());
    const { header, data, length } = change(JSON.parse(bytes.toString("utf8", 8, end)), bytes.subarray(end));
    const text = Buffer.from(JSON.stringify(header));
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(length ?? BigInt(text.length));
    writeFileSync(join(folder, path), Buffer.concat([prefix, text, data ?? bytes.subarray(end)]));
  };

const oneWeight = "conv_in.weight";
const index = (map: unknown) => (folder: string) => {
  rmSync(join(folder, weights.unet));
  writeFileSync(join(folder, `${weights.unet}.index.json`), JSON.stringify(map));
};
/** Not a number in F16 (unet, vae) or BF16 (text encoder), written over the first value of a weight. */
const notANumber = (path: string, name: string) =>
  rewrite(path, (header, data) => {
    const changed = Buffer.from(data);
    changed.writeUInt16LE(0x7fff, (header[name] as Header[string]).data_offsets[0]);
    return { header, data: changed };
  });

const configs: readonly Kind[] = [
  {
    what: "a missing key",
    harm: set("unet/config.json", { cross_attention_dim: undefined }),
    names: ["unet/config.json", "cross_attention_dim"],
  },
  { what: "an unknown key", harm: set("unet/config.json", { mystery: 1 }), names: ["unet/config.json", "mystery"] },
  {
    what: "a key of the wrong type",
    harm: set("vae/config.json", { latent_channels: "four" }),
    names: ["vae/config.json", "latent_channels"],
  },
  {
    what: "an activation that is not supported",
    harm: set("unet/config.json", { act_fn: "mish" }),
    names: ["unet/config.json", "act_fn"],
  },
  {
    what: "class embeddings",
    harm: set("unet/config.json", { class_embed_type: "timestep" }),
    names: ["unet/config.json", "class_embed_type"],
  },
  {
    what: "a text activation that is not supported",
    harm: set("text_encoder/config.json", { hidden_act: "relu" }),
    names: ["text_encoder/config.json", "hidden_act"],
  },
  {
    what: "a width that the weights do not have",
    harm: set("unet/config.json", { block_out_channels: [16, 24, 48] }),
    names: [weights.unet, "weight"],
  },
  {
    what: "widths of two parts that differ",
    harm: set("unet/config.json", { cross_attention_dim: 32 }),
    names: ["hidden_size", "cross_attention_dim"],
  },
  {
    what: "heads that do not divide the width",
    harm: set("text_encoder/config.json", { num_attention_heads: 5 }),
    names: ["text_encoder/config.json", "attention"],
  },
  {
    what: "groups that do not divide the channels",
    harm: set("vae/config.json", { norm_num_groups: 3 }),
    names: ["vae/config.json", "groupNorm"],
  },
  {
    what: "lists of different lengths",
    harm: set("vae/config.json", { up_block_types: ["UpDecoderBlock2D"] }),
    names: ["vae/config.json", "up_block_types"],
  },
  {
    what: "a side that cannot be halved",
    harm: set("unet/config.json", { sample_size: 7 }),
    names: ["unet/config.json", "concat"],
  },
  {
    what: "a picture as large as a city",
    harm: set("unet/config.json", { sample_size: 1e9 }),
    names: ["unet/config.json", "sample_size"],
  },
  {
    what: "a billion layers",
    harm: set("text_encoder/config.json", { num_hidden_layers: 1e9 }),
    names: ["text_encoder", "layers.2"],
  },
  {
    what: "a vocabulary larger than the table",
    harm: set("text_encoder/config.json", { vocab_size: 99_999 }),
    names: [weights.text_encoder, "token_embedding"],
  },
  {
    what: "not JSON",
    harm: replace("unet/config.json", "{'sample_size': 8}"),
    names: ["unet/config.json", "not JSON"],
  },
  {
    what: "a list instead of an object",
    harm: replace("unet/config.json", "[]"),
    names: ["unet/config.json", "object"],
  },
  {
    what: "2 MB",
    harm: replace("vae/config.json", `{"a":"${"x".repeat(2_000_000)}"}`),
    names: ["vae/config.json", "more than 1000000"],
  },
  {
    what: "brackets a million deep",
    harm: replace("vae/config.json", "[".repeat(999_999)),
    names: ["vae/config.json", "not JSON"],
  },
  {
    what: "a list of 200,000 words",
    harm: set("unet/config.json", { block_out_channels: Array(200_000).fill("x") }),
    names: ["unet/config.json", "block_out_channels", "200000"],
  },
  {
    what: "a thousand unknown keys",
    harm: set("unet/config.json", Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`key${i}`, i]))),
    names: ["unet/config.json", "key0"],
  },
  {
    what: "a folder in place of the config",
    harm: (folder) => {
      rmSync(join(folder, "unet/config.json"));
      mkdirSync(join(folder, "unet/config.json"));
    },
    names: ["unet/config.json", "regular file"],
  },
  {
    what: "a link to an endless device as config",
    harm: link("unet/config.json", "/dev/zero"),
    names: ["unet/config.json", "regular file"],
  },
  {
    what: "nothing at all",
    harm: (folder) => rmSync(join(folder, "vae/config.json")),
    names: ["vae/config.json", "does not exist"],
  },
  {
    what: "all but the scheduler",
    harm: (folder) => rmSync(join(folder, "scheduler"), { recursive: true }),
    names: ["scheduler/scheduler_config.json"],
  },
  {
    what: "betas beyond one",
    harm: set("scheduler/scheduler_config.json", { beta_end: 3 }),
    names: ["scheduler/scheduler_config.json", "beta_end"],
  },
  {
    what: "an unknown noise schedule",
    harm: set("scheduler/scheduler_config.json", { beta_schedule: "zigzag" }),
    names: ["scheduler/scheduler_config.json", "beta_schedule"],
  },
];

const files: readonly Kind[] = [
  {
    what: "cut short",
    harm: (folder) => replace(weights.unet, readFileSync(join(folder, weights.unet)).subarray(0, 50_000))(folder),
    names: [weights.unet],
  },
  { what: "empty", harm: replace(weights.unet, ""), names: [weights.unet] },
  {
    what: "a header of 2⁶² bytes",
    harm: rewrite(weights.vae, (header) => ({ header, length: 1n << 62n })),
    names: [weights.vae, "header"],
  },
  {
    what: "a header that is not JSON",
    harm: replace(weights.vae, Buffer.concat([Buffer.from([9, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{not json")])),
    names: [weights.vae, "header"],
  },
  {
    what: "integers for weights",
    harm: rewrite(weights.unet, (header, data) => {
      const entry = header[oneWeight] as Header[string];
      const [begin, end] = entry.data_offsets;
      return {
        header: {
          ...header,
          [oneWeight]: {
            ...entry,
            dtype: "I8",
            shape: [...entry.shape.slice(0, -1), 2 * (entry.shape.at(-1) as number)],
            data_offsets: [begin, end],
          },
        },
        data,
      };
    }),
    names: [weights.unet, oneWeight],
  },
  {
    what: "integers of the right shape",
    harm: rewrite(weights.unet, (header, data) => ({
      header: { ...header, [oneWeight]: { ...header[oneWeight], dtype: "I16" } },
      data,
    })),
    names: [weights.unet, oneWeight, "I16"],
  },
  {
    what: "offsets that overlap",
    harm: rewrite(weights.unet, (header) => {
      const [a, b] = Object.keys(header).filter((name) => name !== "__metadata__") as [string, string];
      return { header: { ...header, [b]: header[a] } };
    }),
    names: [weights.unet, "overlaps"],
  },
  {
    what: "a weight less",
    harm: rewrite(weights.unet, (header) => {
      const { [oneWeight]: moved, ...rest } = header;
      return { header: { ...rest, renamed: moved } };
    }),
    names: ["unet", oneWeight],
  },
  {
    what: "a weight of another shape",
    harm: rewrite(weights.unet, (header) => {
      const entry = header[oneWeight] as Header[string];
      return { header: { ...header, [oneWeight]: { ...entry, shape: entry.shape.toReversed() } } };
    }),
    names: [weights.unet, oneWeight, "shape"],
  },
  {
    what: "not a number in the UNet",
    harm: notANumber(weights.unet, oneWeight),
    names: [weights.unet, oneWeight, "NaN"],
  },
  {
    what: "not a number in the VAE's decoder",
    harm: notANumber(weights.vae, "decoder.conv_out.weight"),
    names: [weights.vae, "decoder.conv_out.weight", "NaN"],
  },
  {
    what: "not a number in the text encoder",
    harm: notANumber(weights.text_encoder, "text_model.final_layer_norm.weight"),
    names: [weights.text_encoder, "final_layer_norm.weight", "NaN"],
  },
  { what: "a link to a folder", harm: link(weights.unet, "/tmp"), names: [weights.unet, "regular file"] },
  { what: "a link to a device", harm: link(weights.unet, "/dev/zero"), names: [weights.unet, "regular file"] },
  { what: "a link that leads nowhere", harm: link(weights.unet, join(root, "nowhere")), names: ["unet", "no weights"] },
  {
    what: "shards of another folder",
    harm: index({ weight_map: { [oneWeight]: "../vae/diffusion_pytorch_model.safetensors" } }),
    names: [`${weights.unet}.index.json`, "weight_map"],
  },
  {
    what: "shards that are not there",
    harm: index({ weight_map: { [oneWeight]: "part-1.safetensors" } }),
    names: ["part-1.safetensors"],
  },
  { what: "an index without a map", harm: index([]), names: [`${weights.unet}.index.json`] },
  {
    what: "an index that is not JSON",
    harm: (folder) => {
      index({})(folder);
      writeFileSync(join(folder, `${weights.unet}.index.json`), "{");
    },
    names: [`${weights.unet}.index.json`, "not JSON"],
  },
];

/** Opens the folder and, where that goes well, uses every part of it. */
async function use(folder: string): Promise<void> {
  const model = openModel("hostile", folder, engine);
  const context = await model.encodeText(zeros([1, model.tokenizer.length, model.width]));
  const latents = zeros([1, ...model.latentShape]);
  await model.predict(latents, [500], context);
  await model.encodePixels(zeros([1, 3, model.side, model.side]));
  await model.decodeLatents(latents);
}

let clear = 0;
for (const [group, kinds] of [
  ["config", configs],
  ["weight file", files],
] as const) {
  for (const [number, { what, harm, names }] of kinds.entries()) {
    test(`a ${group} that is or holds ${what} gives one clear error`, async () => {
      const folder = join(root, `${group.slice(0, 1)}${number}`);
      cpSync(tinySdFolder, folder, { recursive: true });
      harm(folder);
      const error = await use(folder).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(UserError);
      const { code, message } = error as UserError;
      expect(["bad_config", "bad_safetensors", "not_found"]).toContain(code);
      for (const name of names) expect(message).toContain(name);
      expect(message.length).toBeLessThan(800);
      clear++;
    });
  }
}

test("the unharmed folder works after all that, in the same engine process", async () => {
  const before = engine.processId();
  await use(tinySdFolder);
  expect(engine.processId()).toBe(before);
  console.info(`hostile inputs: ${configs.length + files.length} kinds, ${clear} clear errors`);
  expect(clear).toBe(configs.length + files.length);
});
