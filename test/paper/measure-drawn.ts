import { bootstrapInterval, type Interval } from "../../functions/metrics/bootstrap-interval.ts";
import type { PictureMetric } from "../../functions/metrics/picture-metrics.ts";
import { type Picture, readPicture, resizePicture } from "../../functions/tensor/pixels.ts";
import { perThing } from "./findings.ts";
import type { Arm } from "./plan.ts";
import type { RunResult } from "./store.ts";
import type { Thing } from "./things.ts";

/** Networks made for photographs see nothing in less; smaller pictures are enlarged, both alike. */
const leastSide = 64;
const sized = (picture: Picture): Promise<Picture> => {
  const side = Math.max(leastSide, picture.width);
  return resizePicture(picture, { width: side, height: side });
};

/** How far what an arm draws at the end is from the picture it was learned from, over the whole frame, as in the paper. */
export interface DrawnDistance {
  readonly metric: string;
  readonly arm: Arm;
  readonly distance: Interval;
}

/** Figures 4, 5, 7 and 8 at the last step, for the metrics whose weights are at hand. */
export async function measureDrawn(
  metrics: readonly PictureMetric[],
  things: readonly Thing[],
  results: readonly RunResult[],
): Promise<readonly DrawnDistance[]> {
  const pictures = new Map(things.map(({ name, picture }) => [name, picture]));
  const drawn = results.filter(({ run, picture }) => run.variant === "paper" && picture !== undefined);
  const measured: DrawnDistance[] = [];
  for (const { name: metric, compare } of metrics) {
    const distances = new Map<RunResult, number>();
    for (const result of drawn) {
      const truth = pictures.get(result.run.thing);
      const made = await readPicture(Buffer.from(result.picture as string, "base64"));
      if (truth) distances.set(result, await compare(await sized(made), await sized(truth)));
    }
    for (const arm of new Set(drawn.map(({ run }) => run.arm))) {
      const values = perThing(drawn, { variant: "paper", arm }, (result) => distances.get(result) as number);
      measured.push({ metric, arm, distance: bootstrapInterval([...values.values()]) });
    }
  }
  return measured;
}
