import type { ConceptMeta } from "../../shared/concept.ts";

/** Text encoders that the modelspec names, by embedding width. */
const architectures = new Map([
  [768, "stable-diffusion-v1"],
  [1024, "stable-diffusion-v2-768-v"],
]);

/** Metadata texts by which other tools show title, author and licence (Stability AI's Model Metadata Standard 1.0.0). */
export function modelspec(meta: ConceptMeta): Record<string, string> {
  const architecture = architectures.get(meta.width);
  return {
    "modelspec.sai_model_spec": "1.0.0",
    ...(architecture === undefined ? {} : { "modelspec.architecture": `${architecture}/textual-inversion` }),
    "modelspec.implementation": "diffusers",
    "modelspec.title": meta.name,
    "modelspec.author": meta.owner.name,
    "modelspec.license": meta.licence,
    "modelspec.trigger_phrase": meta.name,
    "modelspec.usage_hint": `${meta.tokens} tokens, learned on ${meta.baseModel.id} from "${meta.initialiser.text}"`,
    "modelspec.date": meta.created,
  };
}
