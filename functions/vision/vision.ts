import type { MaskLevel, Point } from "../../shared/draft.ts";
import type { Mask } from "../tensor/mask.ts";
import type { Picture } from "../tensor/pixels.ts";

/** One mask for a click. */
export interface Segment {
  readonly level: MaskLevel;
  /** Of the picture's size. */
  readonly mask: Mask;
  /** The segmenter's own estimate of its overlap with the truth, 0–1. */
  readonly score: number;
}

/** Click → masks, of the wanted levels alone: each takes time to draw at the picture's size. */
export type SegmentAt = (click: Point, wanted?: readonly MaskLevel[]) => Promise<readonly Segment[]>;

/** The picture is encoded once, however many clicks follow. `photograph`: it is one, for segmenters that have a network of their own
 * for these. */
export interface Segmenter {
  encode(picture: Picture, photograph?: boolean): Promise<SegmentAt>;
}

/** `shown` makes the masks that people see, `seeds` those that cuts begin from. */
export interface Segmenters {
  readonly shown: Segmenter;
  readonly seeds: Segmenter;
}

/** A better mask for a thing that the segmenter did not find well; the same segment where it did, or nothing better is found. */
export type Refine = (
  picture: Picture,
  segment: Segment,
  about: { readonly click: Point; readonly photograph: boolean },
) => Promise<Segment>;

/** Crop of the thing on white → a short noun phrase such as "a red mug". */
export interface Captioner {
  caption(crop: Picture): Promise<Caption>;
}

export interface Caption {
  readonly text: string;
  /** Geometric mean probability of its tokens, 0–1. */
  readonly confidence: number;
}

/** Picture → class words, likeliest first, at most `count`. */
export interface Classifier {
  classify(picture: Picture, count: number): Promise<readonly ClassScore[]>;
  /** Below this score of the likeliest word nobody should be told that the thing is that; 0 where the scores say too little. */
  readonly sureAbove: number;
  /** It knows drawings alone: what it says of a photograph is never a fact, whatever the score. */
  readonly drawingsOnly?: boolean;
}

export interface ClassScore {
  readonly label: string;
  /** 0–1 */
  readonly score: number;
}

/** What describing needs; each part local or hosted. */
export interface Vision {
  readonly segmenter: Segmenter;
  readonly refine?: Refine;
  readonly captioner: Captioner;
  readonly classifier: Classifier;
}
