/** `npm run bench -- step|learn|imagine`: ours against PyTorch on the same weights, threads and inputs, in turn. */
import { benchImagine } from "./imagine.ts";
import { benchLearn } from "./learn.ts";
import { printed } from "./report.ts";
import { readSettings } from "./settings.ts";
import { benchStep } from "./step.ts";

const benchmarks = { step: benchStep, learn: benchLearn, imagine: benchImagine };

try {
  const settings = readSettings(process.argv.slice(2));
  const report = await benchmarks[settings.task](settings);
  process.stdout.write(`${settings.json ? JSON.stringify(report, null, 2) : printed(report)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
