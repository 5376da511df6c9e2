/** `npm run check:model [-- --only prompts|held-out|click|caption|photos] [--at-most N] [--json]`: the figures of the embedded model, from seeds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { Command, Option } from "commander";
import { wholeNumber } from "../../functions/cli/arguments.ts";
import { report } from "../../functions/cli/run.ts";
import { spawnEngine } from "../../functions/onnx/spawn-engine.ts";
import { openStore } from "../../functions/store/open.ts";
import { openWorkbench } from "../../functions/tasks/open-workbench.ts";
import type { Check } from "./check.ts";
import { checkCaption } from "./check-caption.ts";
import { checkClick } from "./check-click.ts";
import { checkHeldOut } from "./check-held-out.ts";
import { checkPhotos } from "./check-photos.ts";
import { checkPrompts } from "./check-prompts.ts";
import { type Figure, printedFigures } from "./figure.ts";
import { openJudges } from "./judges.ts";

const checks: Readonly<Record<string, Check>> = {
  prompts: checkPrompts,
  "held-out": checkHeldOut,
  click: checkClick,
  caption: checkCaption,
  photos: checkPhotos,
};
/** Engine processes of one thread each: on small models they beat one process of as many threads. */
const processes = 2;

const { only, atMost, json } = new Command("check:model")
  .addOption(new Option("--only <section>").choices(Object.keys(checks)))
  .option("--at-most <count>", "entries of the bank a section looks at, to try things out", wholeNumber(1, 1_000_000))
  .option("--json")
  // Commander's own code for wrong arguments is 1, which is a bug's here.
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ only?: string; atMost?: number; json?: boolean }>();

const folder = mkdtempSync(join(tmpdir(), "check-model-"));
const store = await openStore(`file:${folder}`);
const engine = spawnEngine({ preset: "speed", providers: ["cpu"], threads: 1 });
const benches = Array.from({ length: processes }, () =>
  openWorkbench({
    preset: "speed",
    providers: ["cpu"],
    threads: 1,
    hub: { endpoint: "https://huggingface.co" },
    store,
  }),
);

function sample<T>(all: readonly T[]): readonly { fact: T; at: number }[] {
  const stride = Math.max(1, Math.ceil(all.length / (atMost ?? all.length)));
  return all.map((fact, at) => ({ fact, at })).filter(({ at }) => at % stride === 0);
}

try {
  const figures: Figure[] = [];
  for (const [name, check] of Object.entries(checks)) {
    if (only !== undefined && only !== name) continue;
    // A section's pieces differ in size and it alone knows how many there are: count and time, no share of a whole.
    const bar = new SingleBar({
      format: `${name.padEnd(8)} {value} done, {duration_formatted}`,
      stream: process.stderr,
      noTTYOutput: true,
      notTTYSchedule: 30_000,
    });
    bar.start(Number.POSITIVE_INFINITY, 0);
    const tools = { benches, judges: () => openJudges(engine), sample, each: () => bar.increment() };
    figures.push(...(await check(tools).finally(() => bar.stop())));
  }
  process.stdout.write(`${json ? JSON.stringify(figures, null, 2) : printedFigures(figures)}\n`);
} catch (error) {
  process.exitCode = report(error);
} finally {
  await Promise.all([...benches.map((bench) => bench.close()), engine.close()]);
  rmSync(folder, { recursive: true });
}
