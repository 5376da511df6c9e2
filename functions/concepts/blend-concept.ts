import { BlendParents, type ConceptMeta, type Id, type Viewer } from "../../shared/concept.ts";
import type { ConceptName } from "../../shared/concept-name.ts";
import { UserError } from "../../shared/error.ts";
import { depthOf, leavesOf } from "../../shared/family-tree.ts";
import { limits } from "../../shared/limits.ts";
import { parsePrompt } from "../../shared/prompt.ts";
import type { ConceptLibrary } from "./library.ts";

export interface BlendRequest {
  readonly id: Id;
  readonly name: ConceptName;
  /** As in a prompt, `a*0.6+b*0.4`, with or without its brackets. */
  readonly blend: string;
  readonly viewer: Viewer;
  /** ISO time. */
  readonly created: string;
  readonly model: Pick<ConceptMeta, "baseModel" | "width"> & { readonly isWord: (words: string) => boolean };
}

/** A blend as a lasting concept's passport: its parents by id and version, never their rows, so that what is deleted or no longer
 * shared is gone from it too. Parents exist before it and are written down whole, so that a tree has no cycle.
 * @throws UserError bad_prompt | not_found | bad_concept */
export async function blendConcept(library: ConceptLibrary, request: BlendRequest): Promise<ConceptMeta> {
  const { blend, viewer, model, created, id, name } = request;
  const text = blend.trim().replace(/^<|>$/g, "");
  const parts = parsePrompt(`<${text}>`);
  const [part] = parts;
  if (parts.length !== 1 || part === undefined || !("blend" in part)) {
    throw new UserError(
      "bad_prompt",
      `expected a blend of 2 to 4 parts like "a*0.6+b*0.4", got ${JSON.stringify(text)}`,
    );
  }
  const parents: unknown[] = [];
  let tokens = 0;
  for (const { weight: share, ...term } of part.blend) {
    const found = "words" in term ? undefined : await resolveUnlessWord(library, term, viewer, model.isWord);
    if (found !== undefined) {
      const { id: parent, version, name: parentName, owner, blend: above } = found;
      parents.push({
        share,
        id: parent,
        version,
        name: parentName,
        owner: owner.name,
        ...(above && { parents: above }),
      });
      tokens += found.tokens;
      continue;
    }
    const words = "words" in term ? term.words : term.name;
    if (!model.isWord(words)) throw new UserError("bad_prompt", `"${words}" is neither a concept nor known words.`);
    parents.push({ share, words });
  }
  const tree = BlendParents.safeParse(parents);
  if (
    !tree.success ||
    depthOf(tree.data) > limits.maxBlendDepth ||
    leavesOf(tree.data).length > limits.maxBlendLeaves
  ) {
    throw new UserError(
      "bad_concept",
      `<${name}> would be blends of blends of blends: a family tree has at most ${limits.maxBlendDepth} generations and ${limits.maxBlendLeaves} ends. Blend simpler concepts.`,
    );
  }
  return library.saveBlend({
    ...{ id, version: 1, name, owner: viewer.user, scope: "private", scopeId: viewer.user.id },
    ...{ initialiser: { kind: "caption", text: text.slice(0, 500) }, baseModel: model.baseModel, width: model.width },
    ...{ tokens: Math.min(Math.max(1, tokens), limits.maxConceptTokens), templates: "", steps: 0, seed: 0, loss: [] },
    ...{ created, licence: "", versions: [], blend: tree.data },
  });
}

async function resolveUnlessWord(
  library: ConceptLibrary,
  reference: Parameters<ConceptLibrary["resolve"]>[0],
  viewer: Viewer,
  isWord: (words: string) => boolean,
): Promise<ConceptMeta | undefined> {
  try {
    return await library.resolve(reference, viewer);
  } catch (error) {
    const isMissing = error instanceof UserError && error.code === "not_found" && reference.owner === undefined;
    if (!isMissing) throw error;
    if (isWord(reference.name)) return undefined;
    throw new UserError("not_found", `${error.message} As a plain word the model does not know it either.`, {
      cause: error,
    });
  }
}
