import { expect, test } from "vitest";
import { size } from "./figures.ts";
import { frontierChart } from "./frontier.ts";
import type { JudgedRow } from "./judged-findings.ts";

const row = (variant: string, step: number, strength: number, followed: number, identity: number): JudgedRow => {
  const interval = (mean: number) => ({ mean, low: mean, high: mean });
  const measures = { followed: interval(followed), identity: interval(identity) };
  return { variant, arm: "caption", step, strength, measures } as never;
};

/** Both ends of the product's paths are where every prompt is followed. */
const crowded = [
  ...[row("paper", 0, 1, 1, 0.44), row("paper", 10, 1, 1, 0.56), row("paper", 25, 1, 0.96, 0.56)],
  ...[row("paper", 75, 1, 0.818, 0.634), row("paper", 80, 1, 0.823, 0.643), row("paper", 100, 1, 0.825, 0.644)],
  ...[row("product", 0, 1, 1, 0.438), row("product", 10, 1, 1, 0.567), row("product", 25, 1, 0.995, 0.657)],
  ...[row("product", 50, 1, 0.995, 0.703), row("product", 80, 1, 0.992, 0.72), row("product", 100, 1, 0.9915, 0.7225)],
  ...[row("product", 100, 0.5, 1, 0.555), row("product", 100, 0.75, 1, 0.676), row("product", 100, 1.25, 0.995, 0.657)],
];

test("no label of the frontier is crossed by a path, and all are left of the axis's end", () => {
  const { svg } = frontierChart(crowded);
  const numbers = (text: string) => Array.from(text.matchAll(/-?\d+(?:\.\d+)?/g), ([digits]) => Number(digits));
  const texts = Array.from(svg.matchAll(/<path d="([^"]+)" fill="var\(--quiet\)"/g), ([, outline = ""]) => {
    const all = numbers(outline);
    const [across, down] = [0, 1].map((odd) => all.filter((_, i) => i % 2 === odd)) as [number[], number[]];
    return { left: Math.min(...across), right: Math.max(...across), top: Math.min(...down), bottom: Math.max(...down) };
  });
  const labels = texts.filter(({ left, top, bottom }) => left > size.left && top > 30 && bottom < size.height - 50);
  expect(labels.length).toBeGreaterThan(10);
  for (const { right } of labels) expect(right).toBeLessThanOrEqual(size.width - size.right);

  const lines = Array.from(svg.matchAll(/<path d="([^"]+)" fill="none"/g), ([, path = ""]) => numbers(path));
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    for (let i = 0; i + 3 < line.length; i += 2) {
      const [x1, y1, x2, y2] = line.slice(i, i + 4) as [number, number, number, number];
      for (let part = 0; part <= 1; part += 0.01) {
        const [x, y] = [x1 + part * (x2 - x1), y1 + part * (y2 - y1)];
        const crossed = labels.find(({ left, right, top, bottom }) => x > left && x < right && y > top && y < bottom);
        expect(crossed, `at ${x}, ${y}`).toBeUndefined();
      }
    }
  }
});
