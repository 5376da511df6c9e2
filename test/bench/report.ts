import type { Measured, Peer, Results } from "./contenders.ts";
import type { Ceiling } from "./fma-peak.ts";
import { fmaCeiling } from "./fma-peak.ts";
import type { Usage } from "./process-meter.ts";
import { alternate, type Breakdown, type Comparison } from "./rounds.ts";
import type { BenchSettings } from "./settings.ts";

/** What one benchmark found; the last contender is the reference of the ratios. */
export interface Report {
  readonly what: string;
  readonly versions: string;
  readonly threads: number;
  /** Operations that the work needs, in GFLOP (count-flops.ts). */
  readonly gflop: number;
  readonly ceiling: { readonly method: string; readonly gflops: number };
  readonly weightBytes: number;
  readonly contenders: readonly (Comparison &
    Usage & {
      /** Share of the ceiling that the needed operations reach. */
      readonly shareOfCeiling: number;
      /** Peak resident memory without the weights, which all sides map from the same files. */
      readonly beyondWeightsBytes: number;
    })[];
  /** How far the results are from the reference's, by name. */
  readonly agreement: Readonly<Record<string, number>>;
}

export interface Comparing {
  readonly what: string;
  readonly gflop: number;
  readonly weightBytes: number;
  /** In turn in each round; PyTorch eager comes last. */
  readonly contenders: readonly [...Measured[], Peer];
  readonly agreement: (ours: Results, theirs: Results) => Readonly<Record<string, number>>;
}

/** Runs everything in turn and closes it. The ceiling is taken between the rounds, when all contenders rest, and the best
 * of it counts. */
export async function compare(settings: BenchSettings, comparing: Comparing): Promise<Report> {
  const { contenders } = comparing;
  const peer = contenders.at(-1) as Peer;
  const ceiling = fmaCeiling(settings.folder, settings.threads);
  const peaks: number[] = [];
  const comparisons = await alternate(contenders, settings.rounds, async () => {
    peaks.push(ceiling ? ceiling.measure() : await peer.matrixProductRate());
  });
  const agreement = comparing.agreement((contenders[0] as Measured).results(), peer.results());
  const gflops = Math.max(...peaks);
  const usages: Usage[] = [];
  for (const contender of contenders) usages.push(await contender.close());
  return {
    what: comparing.what,
    versions: peer.versions,
    threads: settings.threads,
    gflop: comparing.gflop,
    ceiling: { method: ceilingMethod(ceiling), gflops },
    weightBytes: comparing.weightBytes,
    contenders: comparisons.map((comparison, i) => {
      const usage = usages[i] as Usage;
      return {
        ...comparison,
        ...usage,
        shareOfCeiling: comparing.gflop / comparison.seconds / gflops,
        beyondWeightsBytes: usage.peakBytes - comparing.weightBytes,
      };
    }),
    agreement,
  };
}

const ceilingMethod = (ceiling: Ceiling | undefined): string => ceiling?.method ?? "PyTorch's matrix product, 1536³";

/** Where our time goes, and how near the kernels alone come to the machine's peak. */
function breakdownLine(name: string, { runs, kernels, boundary, host }: Breakdown, report: Report): string {
  const whole = kernels + boundary + host;
  const part = (what: string, seconds: number): string =>
    `${what} ${seconds.toFixed(3)} s (${((100 * seconds) / whole).toFixed(0)} %)`;
  const parts = { kernels, boundary, host };
  const [bound] = Object.entries(parts).toSorted(([, a], [, b]) => b - a)[0] as [string, number];
  const arithmetic = report.gflop / report.ceiling.gflops;
  return [
    `${name}: ${Object.entries(parts)
      .map(([what, seconds]) => part(what, seconds))
      .join(", ")}; bounded by ${bound}`,
    `  ${runs} runs, ${((1000 * kernels) / runs).toFixed(1)} ms each in the kernels, at ${((100 * arithmetic) / kernels).toFixed(0)} % of peak: arithmetic alone would take ${arithmetic.toFixed(3)} s`,
  ].join("\n");
}

/** The report for people. */
export function printed(report: Report): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(0);
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const header = [
    "",
    "time s",
    "cpu s",
    "time ratio (least–most)",
    "cpu ratio",
    "of peak",
    "peak MB",
    "anonymous MB",
    "beyond weights MB",
  ];
  const rows = report.contenders.map((c) => [
    c.name,
    c.seconds.toFixed(3),
    c.processorSeconds.toFixed(3),
    `${c.ratio[0].toFixed(3)} (${c.ratio[1].toFixed(3)}–${c.ratio[2].toFixed(3)})`,
    c.processorRatio.toFixed(3),
    percent(c.shareOfCeiling),
    mb(c.peakBytes),
    mb(c.peakAnonymousBytes),
    mb(c.beyondWeightsBytes),
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => (row[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => cell.padEnd(widths[i] as number)).join("  ");
  return [
    `${report.what}, ${report.threads} threads, against ${report.versions}`,
    `${report.gflop.toFixed(1)} GFLOP needed; peak ${report.ceiling.gflops.toFixed(0)} GFLOP/s (${report.ceiling.method}); weights ${mb(report.weightBytes)} MB`,
    line(header),
    ...rows.map(line),
    ...report.contenders.flatMap((c) => (c.breakdown ? [breakdownLine(c.name, c.breakdown, report)] : [])),
    ...Object.entries(report.agreement).map(([name, value]) => `${name}: ${value.toExponential(2)}`),
  ].join("\n");
}
