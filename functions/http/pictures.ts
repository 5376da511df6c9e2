import { createHash } from "node:crypto";
import type { Id, StoreKey, Viewer } from "../../shared/concept.ts";
import type { StoredPicture } from "../../shared/draft.ts";
import { UserError } from "../../shared/error.ts";
import type { FurtherPicture, JobInput } from "../../shared/job.ts";
import { createDrafts } from "../jobs/drafts.ts";
import { markExpiry } from "../jobs/expiry.ts";
import type { Store } from "../store/store.ts";
import type { ServiceDeps } from "./app-deps.ts";

export type PictureDeps = Pick<ServiceDeps, "store" | "clock" | "cleanPicture">;

/** Stores an upload under its content, after its pixels were written anew. @throws UserError bad_image, too_large */
export async function storeUpload(deps: PictureDeps, owner: Id, upload: Uint8Array): Promise<StoredPicture> {
  const { bytes, width, height } = await deps.cleanPicture(upload);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 40);
  const key = `uploads/${owner}/${hash}.png`;
  await markExpiry(deps.store, key, deps.clock.now());
  await deps.store.put(key, bytes);
  return { key, width, height };
}

/** The input as the ledger keeps it: data URIs become stored pictures, so that requests carry keys and never bytes. Keys are
 * checked with `mayRead`. @throws UserError bad_image, too_large, not_found */
export async function storePictures(
  deps: PictureDeps,
  owner: Id,
  input: JobInput,
  mayRead: (key: StoreKey) => Promise<boolean>,
): Promise<JobInput> {
  const stored = async (picture: string): Promise<StoreKey> => {
    if (!picture.startsWith("data:")) {
      if (!(await mayRead(picture))) throw notFound(picture);
      return picture;
    }
    const bytes = Buffer.from(picture.slice(picture.indexOf(",") + 1), "base64");
    return (await storeUpload(deps, owner, bytes)).key;
  };
  const withKeys = async <T extends { readonly picture: string; readonly mask?: string | undefined }>(
    one: T,
  ): Promise<T> => ({
    ...one,
    picture: await stored(one.picture),
    ...(one.mask !== undefined && { mask: await stored(one.mask) }),
  });
  switch (input.task) {
    case "imagine":
    case "explain":
      return input;
    case "describe":
      return withKeys(input);
    case "learn": {
      const morePictures: FurtherPicture[] = [];
      // One after another: each is decoded whole. The first picture last: a key that is refused leaves nothing stored.
      for (const more of input.morePictures) morePictures.push(await withKeys(more));
      return { ...(await withKeys(input)), morePictures };
    }
  }
}

/** Decides who may read a file of the store by where it lies: what no rule names, nobody may read. */
export function createFileAccess(deps: {
  readonly store: Store;
  readonly ledger: ServiceDeps["ledger"];
  /** True when this is a picture of a concept that the viewer may see it with. */
  readonly seesPicture: (viewer: Viewer, concept: Id, key: StoreKey) => Promise<boolean>;
}): (viewer: Viewer, key: StoreKey) => Promise<boolean> {
  const drafts = createDrafts(deps.store);
  return async (viewer, key) => {
    const [folder, id, ...rest] = key.split("/");
    if (id === undefined || rest.length === 0 || !/\.(png|webp|jpg)$/.test(key)) return false;
    switch (folder) {
      case "uploads":
        return id === viewer.user.id;
      case "jobs":
        return rest[0] === "files" && (await deps.ledger.read(id))?.request.userId === viewer.user.id;
      case "drafts":
        return rest[0] === "files" && (await drafts.read(id))?.draft.owner.id === viewer.user.id;
      case "concepts":
        return deps.seesPicture(viewer, id, key);
      default:
        return false;
    }
  };
}

/** The same words for what is not there and for what is not theirs. */
export const notFound = (key: string): UserError =>
  new UserError(
    "not_found",
    `There is no file ${key.slice(0, 200)}, or it is not yours. Pictures are kept for a few days.`,
  );

/** Width and height of a PNG, from its header. */
export function pngSize(png: Uint8Array): { readonly width: number; readonly height: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  if (png.byteLength < 24 || view.getUint32(0) !== 0x89504e47) throw new Error("pngSize: not a PNG");
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
