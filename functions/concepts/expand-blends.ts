import type { ConceptMeta } from "../../shared/concept.ts";
import { UserError } from "../../shared/error.ts";
import { leavesOf } from "../../shared/family-tree.ts";
import type { BlendTerm, ConceptReference, PromptPart } from "../../shared/prompt.ts";

/** Looks up what a name means. @throws UserError not_found */
export type Resolve = (reference: ConceptReference) => Promise<ConceptMeta>;

/** The prompt with saved blends written out as blends of their parents, each pinned to its version. Names that mean nothing stay:
 * whoever reads their rows says so. */
export async function expandBlends(parts: readonly PromptPart[], resolve: Resolve): Promise<readonly PromptPart[]> {
  const expanded: PromptPart[] = [];
  for (const part of parts) {
    if ("blend" in part) {
      const blend: BlendTerm[] = [];
      for (const term of part.blend) blend.push(...((await termsOf(term, term.weight, resolve)) ?? [term]));
      expanded.push({ ...part, blend });
    } else if ("concept" in part) {
      const { weight, strength, name } = part.concept;
      const blend = await termsOf(part.concept, 1, resolve);
      if (blend !== undefined && strength !== undefined && strength !== 1) throw noStrength(name, strength);
      expanded.push(blend === undefined ? part : { blend, ...(weight !== undefined && { weight }) });
    } else expanded.push(part);
  }
  return expanded;
}

const noStrength = (name: string, strength: number): UserError =>
  new UserError(
    "bad_prompt",
    `<${name}:${strength}>: <${name}> is a blend, which began as nothing of its own, so it has no strength. Write <${name}>, or its parents with a strength each.`,
  );

async function termsOf(
  term: ConceptReference | BlendTerm,
  share: number,
  resolve: Resolve,
): Promise<readonly BlendTerm[] | undefined> {
  if ("words" in term) return undefined;
  const meta = await resolve(term).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
  });
  if (meta?.blend === undefined) return undefined;
  const strength = term.strength !== undefined && { strength: term.strength };
  return leavesOf(meta.blend, share).map((leaf): BlendTerm => {
    if ("words" in leaf) return { words: leaf.words, weight: leaf.share };
    return {
      name: leaf.name,
      pin: { id: leaf.id, version: leaf.version, blend: meta.name },
      ...strength,
      weight: leaf.share,
    };
  });
}
