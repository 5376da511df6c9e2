import { Command } from "commander";
import { expect, test } from "vitest";
import { improvementOptions, improvementsOf } from "../../functions/cli/improvement-flags.ts";
import { Improvements } from "../../shared/improvements.ts";

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
