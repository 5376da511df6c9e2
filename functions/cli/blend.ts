import { Command } from "commander";
import { conceptName } from "../../shared/concept-name.ts";
import { familyTree } from "../../shared/family-tree.ts";
import { blendConcept } from "../concepts/blend-concept.ts";
import { areKnownWords } from "../tasks/prompt-context.ts";
import { headline, printResult, say } from "./outputs.ts";
import type { Runner } from "./run.ts";

export const blendCommand = (run: Runner): Command =>
  new Command("blend")
    .description("save a blend of words as a word of its own, with its family tree")
    .argument("<name>")
    .argument("<blend>", 'as in a prompt: "mycat*0.6+dragon*0.4"')
    .option("--json", "print the result as JSON", false)
    .action((name: string, blend: string, flags: { json: boolean }) =>
      run(async ({ bench, viewer }) => {
        const model = await bench.model();
        const meta = await blendConcept(bench.library, {
          id: `blend-${bench.randomSeed().toString(36)}-${Date.now().toString(36)}`,
          ...{ name: conceptName(name), blend, viewer, created: bench.now().toISOString() },
          model: {
            baseModel: { id: model.id, hash: model.hash },
            width: model.width,
            isWord: (words) => areKnownWords(model, words),
          },
        });
        if (!flags.json) {
          headline(`<${meta.name}>`);
          for (const line of familyTree(meta.blend ?? [])) say(`  ${line}`);
        }
        printResult(flags.json, meta, []);
      }),
    );
