import { Command } from "commander";
import colours from "picocolors";
import { conceptName } from "../../shared/concept-name.ts";
import type { ExplainOutput, NearWord } from "../../shared/job.ts";
import { copyOut, heading, hint, namedAfter, printResult, remark, say } from "./outputs.ts";
import { withProgress } from "./progress.ts";
import type { Runner } from "./run.ts";

export const explainCommand = (run: Runner): Command =>
  new Command("explain")
    .description("what the model takes a word for: the nearest words of its rows, and where they look")
    .argument("<name>")
    .option("--out <folder>", "where the picture goes", "out")
    .option("--json", "print the result as JSON", false)
    .action((name: string, flags: { out: string; json: boolean }) =>
      run(async (session, signal) => {
        const reference = { name: conceptName(name.replace(/^<|>$/g, "")) };
        const { id } = await session.bench.library.resolve(reference, session.viewer);
        const input = { task: "explain", concept: id, viewer: session.viewer } as const;
        const explained = await withProgress(flags.json, (show) => session.run(input, show, signal));
        const paths = await copyOut(session, namedAfter(explained.concept.name, explained.pictures), flags.out);
        if (!flags.json) show(explained);
        printResult(flags.json, { ...explained, files: paths }, paths);
      }),
    );

function show({ concept, rows, notes }: ExplainOutput): void {
  heading(`What I think <${concept.name}> is`);
  for (const [i, { token, before, after }] of rows.entries()) {
    say(`  ${i + 1} `, [colours.bold, token === undefined ? "" : `“${token}”`]);
    if (before.length > 0) hint(`    before  ${list(before)}`);
    say(`    now     ${list(after)}`);
  }
  for (const note of notes) remark(note);
}

const list = (near: readonly NearWord[]): string =>
  near.map(({ word, score }) => `${word} ${score.toFixed(2)}`).join(" · ");
