import { expect, test } from "vitest";
import { stemOf, unclosedNotes } from "../../functions/cli/imagine.ts";

test("a word that is opened and never closed is remarked on", () => {
  expect(unclosedNotes("<tiger in space")).toEqual([
    '"<tiger" has no ">" and is drawn as plain text; for the word write <tiger>.',
  ]);
  expect(unclosedNotes("<tiger and <cat> and <dog")).toHaveLength(2);
});

test("closed words, signs and escaped brackets are not", () => {
  for (const prompt of ["<tiger> in space", "<a*0.6+b c*0.4>", "<tiger:0.7>", "a < b", "I <3 you", "\\<tiger", "->"]) {
    expect(unclosedNotes(prompt)).toEqual([]);
  }
});

test("files are called after the prompt and what was asked for besides it, so that comparing overwrites nothing", () => {
  expect(stemOf("<mycat> in space", {})).toBe("mycat-in-space");
  expect(stemOf("<mycat> in space", { strength: 0.2, steps: 10, negative: "a dog" })).toBe(
    "mycat-in-space-strength-0.2-steps-10-without-a-dog",
  );
  expect(stemOf("<mycat> in space", { sampler: "ddim" })).toBe("mycat-in-space-sampler-ddim");
  expect(stemOf("<mycat> in space", { sampler: "dpmpp-2m-karras" }), "the usual one").toBe("mycat-in-space");
});

test("however many bytes the characters of a prompt take, its file name is one that file systems take: at most 255", () => {
  for (const text of ["고양이가 우주에서 날고 있는 그림 ".repeat(8), "😀𠀀".repeat(80), "cat ".repeat(80)]) {
    const stem = stemOf(text, { strength: 0.25, guidance: 7.5, steps: 150, sampler: "euler-karras", negative: text });
    expect(Buffer.byteLength(`${stem}-4294967295.png`)).toBeLessThanOrEqual(255);
    expect(stem, "no half characters").toBe(stem.toWellFormed());
  }
});
