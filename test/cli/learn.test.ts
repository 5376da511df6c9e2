import { expect, test } from "vitest";
import { chosenWords, differing } from "../../functions/cli/learn.ts";

const tiger = { caption: "a striped tiger", className: "tiger" };

test("a caption of one's own brings its own class, not that of what was seen", () => {
  expect(chosenWords({}, tiger)).toEqual(tiger);
  expect(chosenWords({ caption: "an orange cat" }, tiger)).toEqual({ caption: "an orange cat", className: "cat" });
  expect(chosenWords({ caption: "a red mug with dots" }, tiger).className).toBe("mug");
  expect(chosenWords({ caption: "x".repeat(500) }, tiger).className).toHaveLength(100);
});

test("a class of one's own goes before both", () => {
  expect(chosenWords({ class: "animal" }, tiger)).toEqual({ ...tiger, className: "animal" });
  expect(chosenWords({ caption: "an orange cat", class: "animal" }, tiger).className).toBe("animal");
});

test("pictures of one name from several folders each keep a mask's file of their own", () => {
  expect(differing(["cat", "dog"])).toEqual(["cat", "dog"]);
  expect(differing(["cat", "cat", "cat-2"])).toEqual(["cat-1", "cat-2", "cat-2-3"]);
});
