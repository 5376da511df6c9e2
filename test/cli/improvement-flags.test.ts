import { Command } from "commander";
import { expect, onTestFinished, test } from "vitest";
import { improvementOptions, improvementsOf } from "../../functions/cli/improvement-flags.ts";
import { initialiserOptions } from "../../functions/inversion/initialiser.ts";
import { paperDefaults, productDefaults } from "../../functions/inversion/learn-options.ts";
import { openModel } from "../../functions/models/open-model.ts";
import { Improvements } from "../../shared/improvements.ts";
import { testEngine } from "../support/evaluate.ts";
import { tinySdFolder } from "../support/tiny-sd.ts";

const parse = (...flags: string[]) => {
  const command = new Command("learn").option("--steps <n>");
  for (const option of improvementOptions) command.addOption(option);
  return improvementsOf(command.parse(flags, { from: "user" }).opts());
};

test("every improvement has a flag of its name", () => {
  const flags = new Set(improvementOptions.map((option) => option.attributeName()));
  expect([...flags].toSorted()).toEqual(Object.keys(Improvements.shape).toSorted());
});

test("flags become what a job may change, nothing else and nothing that was left out", () => {
  expect(parse()).toEqual({});
  expect(parse("--steps", "5", "--no-framing", "--more-tokens", "3", "--flip", "--mask-floor", "0.5")).toEqual({
    ...{ framing: false, moreTokens: 3, flip: true, maskFloor: 0.5 },
  });
});

test("the help of every flag says what both modes do without it", async () => {
  const model = openModel("tiny", tinySdFolder, testEngine());
  onTestFinished(() => model.close());
  const given = { steps: 100, batch: 4, seed: 0 };
  const modes = [productDefaults(model, given), paperDefaults(given)].map((options, i) => ({
    ...options,
    moreTokens: initialiserOptions(i === 0 ? "product" : "paper").moreTokens ?? 0,
    framing: i === 0,
    averaging: options.averaging > 0,
    earlyStopping: Number.isFinite(options.patience),
    decay: options.weightDecay > 0,
  }));
  const said = (value: unknown) => (typeof value === "boolean" ? (value ? "on" : "off") : value);
  for (const name of Object.keys(Improvements.shape) as (keyof Improvements)[]) {
    const [product, paper] = modes.map((mode) => said(mode[name]));
    const [option] = improvementOptions.filter((one) => one.attributeName() === name);
    const own = product === paper ? `(default: ${product})` : `(product: ${product}, paper: ${paper})`;
    expect(option?.description, name).toContain(own);
  }
});
