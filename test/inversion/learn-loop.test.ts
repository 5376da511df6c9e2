import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { initialise } from "../../functions/inversion/initialiser.ts";
import { learn } from "../../functions/inversion/learn.ts";
import { openModel } from "../../functions/models/open-model.ts";
import { readHeader, readTensor } from "../../functions/tensor/safetensors.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { learnLoop } from "../golden/learn-loop.ts";
import { relativeL2 } from "../support/compare.ts";
import { drain } from "../support/drain.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const golden = readHeader(fileURLToPath(new URL("../golden/learn-loop.safetensors", import.meta.url)));
const engine = testEngine();

test("100 steps of the paper's mode equal a PyTorch loop fed the same noise, timesteps, templates and flips", async () => {
  const { caption, options, picture } = learnLoop;
  const model = openModel("tiny", tinySdFolder, engine);
  const initialiser = initialise(model, "caption", { caption, className: "mug" }, { keepArticle: true });
  const { returned } = await drain(learn({ model, picture, initialiser, options }));
  const { rows, curve } = returned;

  const off = relativeL2(rows, readTensor(golden, "rows"));
  const losses = readTensor(golden, "losses");
  const lossOff = relativeL2(
    tensor(
      Float32Array.from(curve, ({ loss }) => loss),
      losses.shape,
    ),
    losses,
  );
  const moved = relativeL2(initialiser.rows, rows);
  console.info(
    `learn loop: rows ${off.toExponential(1)}, losses ${lossOff.toExponential(1)}, moved ${moved.toFixed(1)}`,
  );
  expect(off).toBeLessThan(1e-3);
  expect(lossOff).toBeLessThan(1e-4);
  expect(moved).toBeGreaterThan(0.3);
});
