import { bootstrapInterval } from "../../functions/metrics/bootstrap-interval.ts";
import type { LearnMode } from "../../shared/concept.ts";
import { armNames, type Figure, markOf } from "./figures.ts";
import {
  type JudgedClaim,
  type JudgedMeasure,
  nameOf,
  paired,
  perPicture,
  verdictOf,
  type Which,
} from "./judged-findings.ts";
import { type Arm, pictureArms, pictureCounts } from "./plan.ts";
import type { JudgedResult } from "./store.ts";

const measures = ["identity", "followed"] as const satisfies readonly JudgedMeasure[];
const most = Math.max(...pictureCounts);
const ofPictures = (count: number): string => (count === 1 ? "one picture" : `${count} pictures`);

type Side = readonly [arm: Arm, mode: LearnMode, pictures: number];

/** The last look of the runs of an arm and mode that learned from so many pictures; undefined where there is none. */
function lastLook(results: readonly JudgedResult[], [arm, mode, pictures]: Side): Which | undefined {
  const found = results.find(({ run }) => run.arm === arm && run.mode === mode && (run.pictures ?? 1) === pictures);
  return found && { variant: found.run.variant, arm, step: found.run.steps };
}

/** Do several pictures help, and does `*` need more of them than a caption? Paired by thing, at equal steps. Empty where nothing
 * was learned from several. */
export function findPictureClaims(all: readonly JudgedResult[]): readonly JudgedClaim[] {
  const compared: readonly { readonly name: string; readonly from: Side; readonly to: Side }[] = [
    {
      name: "caption, paper: of one picture less * of",
      from: ["star", "paper", most],
      to: ["caption", "paper", 1],
    },
    ...pictureArms.map(([arm, mode]) => ({
      name: `${armNames[arm]}, ${mode}: of ${most} pictures less of`,
      from: [arm, mode, 1] as const,
      to: [arm, mode, most] as const,
    })),
  ];
  const results = all.filter(({ run }) => run.seed === 0);
  return compared.flatMap(({ name, from, to }) =>
    measures.flatMap((measure): JudgedClaim[] => {
      const [other, own] = [lastLook(results, from), lastLook(results, to)];
      if (!other || !own) return [];
      const values = paired(perPicture(results, other, measure), perPicture(results, own, measure), (a, b) => b - a);
      const difference = bootstrapInterval(values);
      const claim = `${nameOf[measure]}: ${name} ${ofPictures(from[2])}`;
      return [{ claim, goal: "not below 0", difference, pictures: values.length, verdict: verdictOf(difference) }];
    }),
  );
}

/** What a judge sees against the number of pictures, of the things that were learned from several. */
export function pictureFigures(results: readonly JudgedResult[]): readonly Figure[] {
  const several = new Set(results.filter(({ run }) => run.pictures !== undefined).map(({ run }) => run.thing));
  const own = results.filter(({ run }) => several.has(run.thing) && run.seed === 0);
  if (own.length === 0) return [];
  return measures.map((measure) => ({
    id: `pictures-${measure}`,
    title: `One to ${most} pictures of a thing: ${nameOf[measure]} (${several.size} things)`,
    ...{ y: nameOf[measure], x: { name: "pictures", from: 1 } },
    series: pictureArms.map(([arm, mode], i) => ({
      name: `${armNames[arm]}, ${mode}`,
      colour: markOf(i),
      points: pictureCounts.flatMap((pictures) => {
        const which = lastLook(own, [arm, mode, pictures]);
        return which ? [{ step: pictures, ...bootstrapInterval([...perPicture(own, which, measure).values()]) }] : [];
      }),
    })),
  }));
}
