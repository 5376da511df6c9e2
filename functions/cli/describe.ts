import { Command, Option } from "commander";
import type { DescribeInput } from "../../shared/job.ts";
import { type Click, clickArgument, readUpload } from "./arguments.ts";
import { copyOut, heading, hint, pictureStem, printResult, say, sayFirst } from "./outputs.ts";
import { withProgress } from "./progress.ts";
import type { Runner } from "./run.ts";

interface DescribeFlags {
  readonly click?: Click;
  readonly level: DescribeInput["level"];
  readonly out: string;
  readonly json: boolean;
}

export const describeCommand = (run: Runner): Command =>
  new Command("describe")
    .description("show what a click means: masks, caption and class, without learning")
    .argument("<picture>", "JPEG, PNG, WebP, GIF or AVIF")
    .option("--click <x,y>", "in pixels or percent; without it up to four likely things", clickArgument)
    .addOption(
      new Option("--level <level>", "which mask comes first").choices(["part", "object", "group"]).default("object"),
    )
    .option("--out <folder>", "where pictures go", "out")
    .option("--json", "print the result as JSON", false)
    .action((path: string, flags: DescribeFlags) =>
      run(async (session, signal) => {
        const picture = await session.addPicture(await readUpload(path));
        const click = flags.click?.(picture);
        const input = {
          task: "describe",
          picture: picture.key,
          level: flags.level,
          viewer: session.viewer,
          ...(click && { click }),
        } as const;
        const output = await withProgress(flags.json, (show) => session.run(input, show, signal));
        const stem = pictureStem(path);
        const pictures = [
          ...(output.outline ? [{ key: output.outline.key, name: `${stem}-candidates.png` }] : []),
          ...output.candidates.map(({ mask }, i) => ({ key: mask, name: `${stem}-mask-${i + 1}.png` })),
        ];
        const paths = await copyOut(session, pictures, flags.out);
        if (!flags.json) {
          for (const [i, { level, caption, className, score, sure }] of output.candidates.entries()) {
            heading(`${i + 1} ${sure ? "" : "not sure, perhaps "}${caption}`);
            hint(`  ${level} · class ${className} · mask ${(100 * score).toFixed(0)} % sure`);
          }
          const [thing] = output.candidates as [(typeof output.candidates)[number]];
          paths.push(...(await sayFirst(session, { thing, welcome: output.welcome }, flags.out, stem)));
          say(`suggested name: ${output.suggestedName}`);
        }
        printResult(flags.json, { ...output, files: paths }, paths);
      }),
    );
