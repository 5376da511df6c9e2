import type { BlendParent } from "./concept.ts";

/** A parent that is no blend itself, with its share of the whole; shares sum to 1. */
export type BlendLeaf = Exclude<BlendParent, { parents: readonly BlendParent[] }>;

/** What a blend comes down to: the leaves of its tree, shares multiplied along the way. */
export function leavesOf(parents: readonly BlendParent[], whole = 1): readonly BlendLeaf[] {
  const total = parents.reduce((sum, { share }) => sum + share, 0);
  return parents.flatMap((parent): readonly BlendLeaf[] => {
    const share = (whole * parent.share) / total;
    return "parents" in parent ? leavesOf(parent.parents, share) : [{ ...parent, share }];
  });
}

/** Generations above a blend: 1 where no parent is a blend. */
export const depthOf = (parents: readonly BlendParent[]): number =>
  1 + Math.max(0, ...parents.map((parent) => ("parents" in parent ? depthOf(parent.parents) : 0)));

/** The tree as lines of text, shares in percent of the blend above. */
export function familyTree(parents: readonly BlendParent[], indent = ""): readonly string[] {
  const total = parents.reduce((sum, { share }) => sum + share, 0);
  return parents.flatMap((parent, i) => {
    const isLast = i === parents.length - 1;
    const who = "words" in parent ? `“${parent.words}”` : `<${parent.name}> v${parent.version} by ${parent.owner}`;
    const line = `${indent}${isLast ? "└─" : "├─"} ${Math.round((100 * parent.share) / total)} % ${who}`;
    return "parents" in parent ? [line, ...familyTree(parent.parents, `${indent}${isLast ? "   " : "│  "}`)] : [line];
  });
}
