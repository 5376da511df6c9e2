import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tinySdFolder } from "../support/tiny-sd.ts";
import type { JudgedClaim, JudgedRow } from "./judged-findings.ts";
import { paper } from "./paper.ts";
import type { Part } from "./plan.ts";

const folder = mkdtempSync(join(tmpdir(), "paper-"));
// The cache as someone with LPIPS has it, but for the weights, which are random.
mkdirSync(join(folder, "cache", "metrics"), { recursive: true });
const lpips = "lpips-alex.safetensors";
copyFileSync(join(import.meta.dirname, "..", "golden", "metrics", lpips), join(folder, "cache", "metrics", lpips));
const run = async () => {
  const counted = { total: 0, made: 0 };
  const made = await paper({
    ...{ model: tinySdFolder, folder, pictures: 2, judgedPictures: 1, seeds: 1, steps: 2 },
    parts: new Set<Part>(["figures", "judged", "pictures"]),
    hub: { endpoint: "http://127.0.0.1:9", cache: join(folder, "cache") },
    // The random checkpoint's tokenizer knows few words: captions of a real one do not fit.
    describe: () => Promise.resolve({ caption: "a cat", className: "cat", clickedClass: "cat" }),
    start: (total) => {
      counted.total = total;
    },
    progress: (steps) => {
      counted.made += steps;
    },
  });
  return { ...made, counted };
};
let first: Awaited<ReturnType<typeof run>>;

// Every part that draws, on a machine that may be busy.
const patience = 240_000;
beforeAll(async () => {
  first = await run();
}, patience);
afterAll(() => rmSync(folder, { recursive: true }));

test("the page is whole: every figure, claim and picture is in it, and nothing is loaded from elsewhere", () => {
  expect(first.html).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
  expect(first.html.match(/<figure>/g)?.length).toBe(first.figures.length);
  for (const claim of ["caption below class", "* × n below *", "another picture's concept", "Table A.1"]) {
    expect(first.html).toContain(claim);
  }
  // Two pictures with their masks, each drawn from five initialisers.
  expect(first.html.match(/src="data:image\/png;base64,/g)?.length).toBe(12);
  expect(first.html).not.toMatch(/(?:src|href)="(?!data:)/);
});

test("what is drawn is measured by the metrics whose weights are at hand, each under its own name", () => {
  const { distances, missing } = JSON.parse(first.json);
  expect(distances.map(({ metric, arm }: { metric: string; arm: string }) => `${metric}, ${arm}`)).toEqual(
    ["star", "class", "class, clicked", "caption", "stars"].map((arm) => `LPIPS v0.1 (AlexNet), ${arm}`),
  );
  expect(missing.join()).not.toContain("LPIPS");
  expect(first.html).toContain("LPIPS v0.1 (AlexNet)");
});

test("progress tells every step and look of the plan", () => {
  const [measured, judged, slider, several] = [2 * 6 * (2 + 2 * 12), 5 * (2 + 2 * 18), 3 * 18, 6 * (2 + 18)];
  const total = measured + judged + slider + several;
  expect(first.counted).toEqual({ total, made: total });
});

test("a judge sees every setting at every look, and the product's slider", () => {
  const { judged, claims } = JSON.parse(first.json) as { judged: JudgedRow[]; claims: [string, JudgedClaim[]][] };
  const seen = judged.map(({ variant, arm, step, strength }) => `${variant}, ${arm}: ${step} × ${strength}`);
  for (const each of ["paper, caption", "product, caption", "paper, star", "paper, class", "paper, stars"]) {
    expect(seen).toContain(`${each}: 0 × 1`);
    expect(seen).toContain(`${each}: 2 × 1`);
  }
  expect(seen.filter((name) => !name.endsWith("× 1"))).toHaveLength(3);
  for (const { measures } of judged) expect(measures.identity.mean).toBeLessThanOrEqual(1.001);
  const verdicts = claims.flatMap(([, of]) => of.map(({ verdict }) => verdict));
  expect(verdicts.length).toBeGreaterThan(0);
  for (const verdict of verdicts) expect(["holds", "undecided", "does not hold"]).toContain(verdict);
  expect(first.figures.map(([id]) => id)).toContain("frontier");
});

test("concepts of several pictures are drawn at their end and stand beside those of one", () => {
  const { judged, claims } = JSON.parse(first.json) as { judged: JudgedRow[]; claims: [string, JudgedClaim[]][] };
  const several = judged.filter(({ variant }) => variant.endsWith(" pictures"));
  expect(several.map(({ variant, arm, step }) => `${variant}, ${arm}: ${step}`)).toEqual([
    ...["paper, 3 pictures, star: 2", "paper, 3 pictures, caption: 2", "product, 3 pictures, caption: 2"],
    ...["paper, 5 pictures, star: 2", "paper, 5 pictures, caption: 2", "product, 5 pictures, caption: 2"],
  ]);
  expect(claims.map(([title]) => title)).toContain("One picture or several");
  expect(first.figures.map(([id]) => id)).toContain("pictures-identity");
});

test("an interrupted plan goes on with what was finished, to the same findings", { timeout: patience }, async () => {
  const runs = join(folder, "runs");
  const stored = readdirSync(runs);
  expect(stored).toHaveLength(12);
  rmSync(join(runs, stored[3] as string));
  const again = await run();
  expect(again.json).toBe(first.json);
  expect(again.html).toBe(first.html);
  expect(readdirSync(runs).toSorted()).toEqual(stored.toSorted());
});
