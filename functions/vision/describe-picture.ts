import type { InitialiserKind } from "../../shared/concept.ts";
import type { MaskLevel, Point } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import { cropOnWhite } from "../tensor/crop-on-white.ts";
import { boundingBox, type Mask, maskArea, overlap } from "../tensor/mask.ts";
import { type Box, type Picture, resizePicture } from "../tensor/pixels.ts";
import { withoutSpecks } from "./one-piece.ts";
import { looksLikePhotograph } from "./photograph.ts";
import type { ClassScore, Segment, SegmentAt, Vision } from "./vision.ts";

/** One thing the person may mean. */
export interface Described extends Segment {
  readonly click: Point;
  /** Pixels. */
  readonly box: Box;
  readonly crop: Picture;
  readonly caption: string;
  /** 0–1 */
  readonly confidence: number;
  readonly className: string;
  /** Whether caption and class can be told as a fact; otherwise the words are offered instead. */
  readonly sure: boolean;
  /** What a word for it starts from unless somebody says what it is. */
  readonly initialiser: InitialiserKind;
  /** Words it may be: the caption's own, then the likeliest. */
  readonly words: readonly WordChoice[];
}

interface Asked {
  readonly click?: Point | undefined;
  readonly level: MaskLevel;
  /** Stops before the next point that is looked at, or the next thing. */
  readonly signal?: AbortSignal | undefined;
}

/** A word with the caption that it makes. */
export interface WordChoice {
  readonly word: string;
  readonly caption: string;
  /** 0–1; 0 where only the captioner thought of it. */
  readonly score: number;
}

/** Masks that overlap more than this are the same thing. */
const sameOverlap = 0.8;
/** Below this share of the picture a mask is a speck, above it the background. */
const [leastShare, mostShare] = [0.002, 0.9];
const mostCandidates = 4;
const offeredWords = 6;
/** Longer edge in pixels of the copy that is searched. */
const searchEdge = 96;

/** Click → mask levels → crop on white → caption and class; the wanted level first. Without a click: up to four likely
 * things, found with a grid of points. @throws UserError not_found when there is nothing at the click; the reason of `signal` */
export async function describePicture(
  vision: Vision,
  picture: Picture,
  { click, level, signal }: Asked,
): Promise<readonly Described[]> {
  const photograph = await looksLikePhotograph(picture);
  const segment = await vision.segmenter.encode(picture, photograph);
  const things = click
    ? distinct(await atClick(segment, click, level)).slice(0, mostCandidates)
    : await likeliest(vision, { picture, photograph, signal }, segment, level);
  if (things.length === 0) {
    throw new UserError(
      "not_found",
      "Nothing stands out there. Click the middle of the thing, or crop the picture closer to it.",
    );
  }
  const refined: Thing[] = [];
  for (const thing of things) {
    signal?.throwIfAborted();
    const found = (await vision.refine?.(picture, thing, { click: thing.click, photograph })) ?? thing;
    refined.push({ ...thing, ...found, mask: withoutSpecks(found.mask) });
  }
  const described: Described[] = [];
  for (const thing of distinct(refined)) {
    signal?.throwIfAborted();
    described.push(await describeThing(vision, picture, thing, photograph));
  }
  return described;
}

type Thing = Segment & { readonly click: Point };

async function atClick(segment: SegmentAt, click: Point, level: MaskLevel): Promise<readonly Thing[]> {
  const isThing = (share: number): boolean => share >= leastShare / 4 && share < 1;
  const segments = (await segment(click)).filter(({ mask }) => isThing(shareOf(mask)));
  return segments
    .toSorted((a, b) => Number(b.level === level) - Number(a.level === level))
    .map((s) => ({ ...s, click }));
}

/** Looks everywhere on a small copy, where masks are cheap to compare, and cuts out full masks of the few that remain. */
async function likeliest(
  vision: Vision,
  {
    picture,
    photograph,
    signal,
  }: { readonly picture: Picture; readonly photograph: boolean; readonly signal: AbortSignal | undefined },
  segment: SegmentAt,
  level: MaskLevel,
): Promise<readonly Thing[]> {
  const small = await resizePicture(picture, { width: searchEdge, height: searchEdge, fit: "inside" });
  const found = distinct(await everywhere(await vision.segmenter.encode(small, photograph), level, signal)).slice(
    0,
    mostCandidates,
  );
  const things: Thing[] = [];
  for (const { click } of found) {
    signal?.throwIfAborted();
    const [whole] = await segment(click, [level]);
    if (whole) things.push({ ...whole, click });
  }
  return things;
}

/** The segmenter asked on a grid of points; things that several points agree on come first. */
async function everywhere(
  segment: SegmentAt,
  level: MaskLevel,
  signal: AbortSignal | undefined,
): Promise<readonly Thing[]> {
  const things: (Thing & { votes: number })[] = [];
  const at = [0.14, 0.32, 0.5, 0.68, 0.86];
  for (const y of at) {
    for (const x of at) {
      signal?.throwIfAborted();
      const [found] = await segment({ x, y }, [level]);
      if (!found || shareOf(found.mask) < leastShare || shareOf(found.mask) > mostShare) continue;
      const known = things.find((thing) => overlap(thing.mask, found.mask) > sameOverlap);
      if (known) known.votes++;
      else things.push({ ...found, click: { x, y }, votes: 1 });
    }
  }
  return things.sort((a, b) => b.score * Math.sqrt(b.votes) - a.score * Math.sqrt(a.votes));
}

async function describeThing(vision: Vision, picture: Picture, thing: Thing, photograph: boolean): Promise<Described> {
  const crop = cropOnWhite(picture, thing.mask);
  const { text, confidence } = await vision.captioner.caption(crop);
  const classes = await vision.classifier.classify(crop, offeredWords);
  const className = classes[0]?.label ?? text;
  const caption = text || withArticle(className);
  const { sureAbove, drawingsOnly = false } = vision.classifier;
  // Sure is what the classifier is sure of and the captioner says too, of something of the kind that it knows.
  const known = !(drawingsOnly && photograph);
  const sure = known && (sureAbove === 0 || ((classes[0]?.score ?? 0) >= sureAbove && says(caption, className)));
  const box = boundingBox(thing.mask) as Box;
  // A guess about something of a kind that nobody was trained on is wrong more often than not: better to start from none (model card).
  const initialiser = known ? "caption" : "stars";
  return {
    ...thing,
    crop,
    box,
    caption,
    confidence,
    className,
    sure,
    initialiser,
    words: wordChoices(caption, classes),
  };
}

/** The caption's own noun comes first, because it is what is learned unless somebody says otherwise. */
function wordChoices(caption: string, classes: readonly ClassScore[]): readonly WordChoice[] {
  // "a red racing car": everything between the article and the noun describes it, and may as well describe another.
  const [, before = "", noun = ""] = /^(?:an?|the)\s+(?:(.*)\s)?(\S+)$/i.exec(caption) ?? [];
  const own = noun === "" ? [] : [classes.find(({ label }) => label === noun) ?? { label: noun, score: 0 }];
  return [...new Set([...own, ...classes])].slice(0, offeredWords).map(({ label, score }) => ({
    word: label,
    caption: withArticle(before === "" ? label : `${before} ${label}`),
    score,
  }));
}

const says = (caption: string, word: string): boolean => caption.toLowerCase().includes(word.toLowerCase());

const withArticle = (phrase: string): string => `${/^[aeiou]/i.test(phrase) ? "an" : "a"} ${phrase}`;

const shareOf = (mask: Mask): number => maskArea(mask) / mask.data.length;

function distinct<T extends Segment>(things: readonly T[]): readonly T[] {
  const kept: T[] = [];
  for (const thing of things)
    if (kept.every((other) => overlap(other.mask, thing.mask) < sameOverlap)) kept.push(thing);
  return kept;
}
