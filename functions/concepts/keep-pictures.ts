import type { ConceptMeta } from "../../shared/concept.ts";
import type { Store } from "../store/store.ts";
import { conceptFolder } from "./library-keys.ts";

const kinds = ["mask", "preview", "source"] as const;

/** The passport with copies of its pictures in the concept's own folder. Where they come from, uploads and results of jobs,
 * is swept after some days; and what lies in a concept's folder can be shown to whoever may see the concept. A picture that
 * is gone already leaves the passport. */
export async function keepPictures(store: Store, meta: ConceptMeta): Promise<ConceptMeta> {
  const kept: Partial<Record<(typeof kinds)[number], string>> = {};
  for (const kind of kinds) {
    const from = meta[kind];
    if (from === undefined) continue;
    const ending = from.slice(from.lastIndexOf("."));
    const to = from.startsWith(conceptFolder(meta.id))
      ? from
      : `${conceptFolder(meta.id)}${kind}-${meta.version}${ending}`;
    const found = await store.get(from);
    if (found === undefined) continue;
    if (to !== from) await store.put(to, found.data);
    kept[kind] = to;
  }
  const { mask: _mask, preview: _preview, source: _source, ...rest } = meta;
  return { ...rest, ...kept };
}
