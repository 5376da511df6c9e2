import type { ConceptMeta } from "../../shared/concept.ts";
import type { Store } from "../store/store.ts";
import { conceptFolder } from "./library-keys.ts";

const kinds = ["mask", "preview", "source"] as const;

/** The passport with copies of its pictures in the concept's own folder. Where they come from, uploads and results of jobs,
 * is swept after some days; and what lies in a concept's folder can be shown to whoever may see the concept. A picture that
 * is gone already leaves the passport. */
export async function keepPictures(store: Store, meta: ConceptMeta): Promise<ConceptMeta> {
  const keep = async (from: string | undefined, name: string): Promise<string | undefined> => {
    if (from === undefined) return undefined;
    const ending = from.slice(from.lastIndexOf("."));
    const to = from.startsWith(conceptFolder(meta.id))
      ? from
      : `${conceptFolder(meta.id)}${name}-${meta.version}${ending}`;
    const found = await store.get(from);
    if (found === undefined) return undefined;
    if (to !== from) await store.put(to, found.data);
    return to;
  };
  const kept: Partial<Record<(typeof kinds)[number], string>> = {};
  for (const kind of kinds) {
    const key = await keep(meta[kind], kind);
    if (key !== undefined) kept[kind] = key;
  }
  const more: { source: string; mask?: string }[] = [];
  for (const [i, picture] of (meta.morePictures ?? []).entries()) {
    const source = await keep(picture.source, `source-${i + 2}`);
    const mask = await keep(picture.mask, `mask-${i + 2}`);
    if (source !== undefined) more.push({ source, ...(mask !== undefined && { mask }) });
  }
  const { mask: _mask, preview: _preview, source: _source, morePictures: _more, ...rest } = meta;
  return { ...rest, ...kept, ...(more.length > 0 && { morePictures: more }) };
}
