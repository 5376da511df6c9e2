// Writes one concept in every form that we export: node test/golden/concept-exports.ts <folder>. concept-files.py checks them.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeConcept } from "../../functions/concepts/concept-file.ts";
import { exportConcept, exportFormats } from "../../functions/concepts/export-concept.ts";
import { goldenConcept, goldenPicture } from "../support/golden-concept.ts";

const folder = process.argv[2] ?? "";
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "concept.safetensors"), encodeConcept(goldenConcept));
for (const format of exportFormats) {
  const { fileName, bytes } = await exportConcept(goldenConcept, format, goldenPicture);
  writeFileSync(join(folder, fileName), bytes);
}
