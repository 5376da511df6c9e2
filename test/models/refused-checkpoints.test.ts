import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openModel } from "../../functions/models/open-model.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const engine = testEngine("lean");

/** Opens the small checkpoint with other keys in one of its configs. */
function openWith(path: string, change: object) {
  const folder = mkdtempSync(join(tmpdir(), "eponym-refused-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  cpSync(tinySdFolder, folder, { recursive: true });
  const json = JSON.parse(readFileSync(join(folder, path), "utf8")) as object;
  writeFileSync(join(folder, path), JSON.stringify({ ...json, ...change }));
  return openModel("refused", folder, engine);
}

const scheduler = "scheduler/scheduler_config.json";

for (const [key, value] of [
  ["rescale_betas_zero_snr", true],
  ["trained_betas", Array.from({ length: 1_000 }, (_, i) => 0.0001 + i * 2e-5)],
] as const) {
  test(`a checkpoint whose noise schedule has ${key} is refused by that name, not sampled on another schedule`, () => {
    expect(() => openWith(scheduler, { [key]: value })).toThrow(
      expect.objectContaining({
        code: "bad_config",
        message: expect.stringMatching(new RegExp(`scheduler_config.json: ${key}: .*not supported, use `)),
      }),
    );
  });

  test(`a ${key} of null, of false or absent says nothing`, () => {
    const plain = openModel("plain", tinySdFolder, engine);
    const { hash, alphasCumprod } = openWith(scheduler, { [key]: key === "trained_betas" ? null : false });
    expect([hash, alphasCumprod]).toEqual([plain.hash, plain.alphasCumprod]);
    for (const nothing of [null, false, undefined]) openWith(scheduler, { [key]: nothing });
  });
}

test("a folder of Stable Diffusion XL is told as what it is", () => {
  const xl = {
    addition_embed_type: "text_time",
    addition_time_embed_dim: 256,
    transformer_layers_per_block: [1, 2, 10],
  };
  expect(() => openWith("unet/config.json", { ...xl, projection_class_embeddings_input_dim: 2816 })).toThrow(
    expect.objectContaining({
      code: "bad_config",
      message: expect.stringMatching(/unet\/config.json: .*Stable Diffusion XL is not supported, use .*1\.x or 2\.x/),
    }),
  );
});
