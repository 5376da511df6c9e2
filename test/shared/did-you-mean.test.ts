import { expect, test } from "vitest";
import { didYouMean } from "../../shared/did-you-mean.ts";

const known = ["mycat", "my-dog", "teapot", "猫ちゃん", "robot_7"];

test.each([
  ["mycta", "mycat"],
  ["mycats", "mycat"],
  ["MYCAT", "mycat"],
  ["mydog", "my-dog"],
  ["taepot", "teapot"],
  ["猫ちやん", "猫ちゃん"],
  ["robot-7", "robot_7"],
  ["elephant", undefined],
  ["x", undefined],
  ["", undefined],
])("%j means %s", (typed, meant) => expect(didYouMean(typed, known)).toBe(meant));

test("the nearest wins, and the first of equals", () => {
  expect(didYouMean("catx", ["cats", "catxy", "catx1"])).toBe("cats");
  expect(didYouMean("banana", ["bandana", "banan"])).toBe("bandana");
});
