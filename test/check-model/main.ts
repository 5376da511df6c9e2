/** `npm run check:model [-- --only prompts|held-out|click|caption|photos] [--at-most N] [--json]`: the figures of the embedded model, from seeds. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SingleBar } from "cli-progress";
import { Command, Option } from "commander";
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
  .option("--at-most <count>", "entries of the bank a section looks at, to try things out", Number)
  .option("--json")
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
    const bar = new SingleBar({
      format: `${name.padEnd(8)} {value} done, {duration_formatted}`,
      stream: process.stderr,
    });
    bar.start(0, 0);
    figures.push(...(await check({ benches, judges: () => openJudges(engine), sample, each: () => bar.increment() })));
    bar.stop();
  }
  process.stdout.write(`${json ? JSON.stringify(figures, null, 2) : printedFigures(figures)}\n`);
} finally {
  await Promise.all([...benches.map((bench) => bench.close()), engine.close()]);
  rmSync(folder, { recursive: true });
}
