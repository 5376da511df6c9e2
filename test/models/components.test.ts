import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { input } from "../../functions/graph/value.ts";
import { lossGraph } from "../../functions/inversion/loss-graph.ts";
import { decoder, encoder, openAutoencoder } from "../../functions/models/autoencoder.ts";
import { clipText, openClipText, tokenEmbedding } from "../../functions/models/clip-text.ts";
import { timestepFeatures, unet } from "../../functions/models/unet.ts";
import { openUnet } from "../../functions/models/unet-config.ts";
import { scale } from "../../functions/ops/multiply.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import { type Tensor, tensor } from "../../functions/tensor/tensor.ts";
import { maxError, relativeL2 } from "../support/compare.ts";
import { evaluate, testEngine } from "../support/evaluate.ts";
import { tinySdFolder, tinySdGolden } from "../support/tiny-sd.ts";

const engine = testEngine();
const lean = testEngine("lean");
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const checkpoints = [
  { name: "a random checkpoint", folder: tinySdFolder, golden: tinySdGolden },
  {
    name: "the embedded model",
    folder: at("../../functions/assets/emoji-64"),
    golden: (name: string) => readTensor(readHeader(at("../golden/emoji-64.safetensors")), name),
  },
];

/** The first `count` entries of the outermost dimension. */
const first = ({ shape: [, ...rest], data }: Tensor, count: number): Tensor =>
  tensor((data as Float32Array).slice(0, count * rest.reduce((product, n) => product * n, 1)), [count, ...rest]);

describe.each(checkpoints)("of $name", ({ folder, golden }) => {
  const text = openClipText(folder);
  const network = openUnet(folder);
  const autoencoder = openAutoencoder(folder);
  const timeFeatures = timestepFeatures(network.config, [...golden("timesteps").data]);

  for (const target of ["plain", "cpu"] as const) {
    test(`the text encoder equals transformers' (${target})`, async () => {
      const embeddings = golden("embeddings");
      const graph = { outputs: { context: clipText(text, input("embeddings", embeddings.shape)) } };
      const { context } = await evaluate(engine, graph, { embeddings }, target);
      expect(maxError(context as Tensor, golden("context"))).toBeLessThan(1e-5);
    });

    test(`one UNet call equals diffusers' (${target})`, async () => {
      const [latents, context] = [golden("latents"), golden("context")];
      const prediction = unet(network, {
        latents: input("latents", latents.shape),
        timeFeatures: input("timeFeatures", timeFeatures.shape),
        context: input("context", context.shape),
      });
      const outputs = await evaluate(engine, { outputs: { prediction } }, { latents, context, timeFeatures }, target);
      expect(maxError(outputs["prediction"] as Tensor, golden("prediction"))).toBeLessThan(2e-5);
    });

    test(`the VAE equals diffusers' both ways (${target})`, async () => {
      const pixels = golden("pixels");
      const latents = first(golden("latents"), pixels.shape[0] as number);
      const posterior = encoder(autoencoder, input("pixels", pixels.shape));
      const encoded = await evaluate(engine, { outputs: { ...posterior } }, { pixels }, target);
      expect(maxError(encoded["mean"] as Tensor, golden("mean"))).toBeLessThan(2e-5);
      expect(maxError(encoded["logVariance"] as Tensor, golden("logVariance"))).toBeLessThan(2e-5);
      const decoded = decoder(
        autoencoder,
        scale(input("latents", latents.shape), 1 / autoencoder.config.scaling_factor),
      );
      const outputs = await evaluate(engine, { outputs: { decoded } }, { latents }, target);
      expect(maxError(outputs["decoded"] as Tensor, golden("decoded"))).toBeLessThan(2e-5);
    });

    for (const preset of ["speed", "lean"] as const) {
      test(`loss and gradient equal PyTorch's (${target}, ${preset})`, async () => {
        const graph = lossGraph(
          { text, unet: network, autoencoder },
          { batch: 2, tokens: 24, latentShape: golden("latents").shape.slice(1) },
          true,
        );
        const feeds = {
          embeddings: golden("embeddings"),
          latents: golden("latents"),
          target: golden("target"),
          weights: golden("weights"),
          timeFeatures,
        };
        const { losses, gradient } = await evaluate(preset === "speed" ? engine : lean, graph, feeds, target, preset);
        const loss = ((losses?.data[0] as number) + (losses?.data[1] as number)) / 2;
        const expected = golden("loss").data[0] as number;
        expect(Math.abs(loss - expected) / expected).toBeLessThan(1e-6);
        // PyTorch's is of the mean of the two losses, ours of their sum.
        const halved = { ...(gradient as Tensor), data: (gradient as Tensor).data.map((value) => value / 2) };
        expect(relativeL2(halved, golden("gradient"))).toBeLessThan(1e-5);
      });
    }
  }
});

test("token embeddings are read row by row from disk, in bf16 too", () => {
  const ids = [...tinySdGolden("ids").data].slice(0, 24);
  expect(
    maxError(openClipText(tinySdFolder).rows(tokenEmbedding, ids), {
      ...tinySdGolden("embeddings"),
      shape: [24, 24],
      data: tinySdGolden("embeddings").data.slice(0, 576),
    }),
  ).toBe(0);
});
