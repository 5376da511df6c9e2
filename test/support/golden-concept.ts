import type { Concept } from "../../functions/concepts/concept-file.ts";
import type { Picture } from "../../functions/tensor/pixels.ts";
import { tensor } from "../../functions/tensor/tensor.ts";
import { ConceptMeta } from "../../shared/concept.ts";

/** Three rows of sixteen values, the same as in test/golden/concept-files.py; exact in f16 and bf16. */
export const goldenRows = tensor(
  Float32Array.from({ length: 48 }, (_, i) => ((i % 61) - 30) / 8),
  [3, 16],
);

export const goldenConcept: Concept = {
  rows: goldenRows,
  meta: ConceptMeta.parse({
    id: "golden1",
    version: 1,
    name: "golden-cat",
    owner: { id: "81384788765712384", name: "ann" },
    scope: "server",
    scopeId: "41771983423143937",
    initialiser: { kind: "caption", text: "golden striped cat" },
    baseModel: { id: "tiny-sd", hash: "81761151" },
    tokens: 3,
    width: 16,
    templates: "photo",
    steps: 100,
    seed: 7,
    mode: "product",
    loss: [
      { step: 0, loss: 0.5, bank: 0.6 },
      { step: 100, loss: 0.25, bank: 0.3 },
    ],
    mask: "concepts/golden1/mask.png",
    preview: "concepts/golden1/preview.png",
    created: "2026-08-01T12:00:00Z",
    licence: "CC0-1.0",
  }),
};

export const goldenPicture: Picture = {
  width: 64,
  height: 64,
  data: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => 30 + ((i * 7) % 200)),
};
