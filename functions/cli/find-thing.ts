import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DescribeOutput, LearnInput } from "../../shared/job.ts";
import { maskOverlay } from "../drawing/mask-overlay.ts";
import { decodeMask } from "../tensor/mask.ts";
import { type Picture, readPicture } from "../tensor/pixels.ts";
import { type Click, readUpload } from "./arguments.ts";
import { pictureStem } from "./outputs.ts";
import type { Session } from "./session.ts";

type Candidate = DescribeOutput["candidates"][number];

/** One picture, stored, and what was found in it. */
export interface Found {
  /** Of the picture's file name. */
  readonly stem: string;
  readonly key: string;
  readonly picture: Picture;
  readonly click: Candidate["click"];
  readonly thing: Candidate;
  readonly suggestedName: string;
  readonly welcome: DescribeOutput["welcome"];
}

/** Stores a picture and describes what is at the click, or the likeliest thing. */
export async function findThing(
  session: Session,
  path: string,
  { level, click: clicked }: { readonly level: LearnInput["level"]; readonly click: Click | undefined },
  show: Parameters<Session["run"]>[1],
  signal: AbortSignal,
): Promise<Found> {
  const { key, width, height } = await session.addPicture(await readUpload(path));
  const click = clicked?.({ width, height });
  const { viewer } = session;
  const described = await session.run(
    { task: "describe", picture: key, level, viewer, ...(click && { click }) },
    show,
    signal,
  );
  const [thing] = described.candidates as [Candidate];
  const picture = await readPicture((await session.store.get(key))?.data as Uint8Array);
  return { stem: pictureStem(path), key, picture, click: click ?? thing.click, thing, ...pick(described) };
}

const pick = ({ suggestedName, welcome }: DescribeOutput) => ({ suggestedName, welcome });

/** The picture with the mask over it. Returns its path. */
export async function writeMask(
  session: Session,
  { picture, thing }: Found,
  folder: string,
  stem: string,
): Promise<string> {
  const mask = await decodeMask((await session.store.get(thing.mask))?.data as Uint8Array);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${stem}-mask.png`);
  await writeFile(path, await maskOverlay({ picture, mask, click: thing.click }));
  return path;
}
