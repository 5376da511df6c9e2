/** One of the things compared. */
export interface Contender {
  readonly name: string;
  /** Does the work once and says how long it took. */
  run(): Promise<Timing>;
}

export interface Timing {
  readonly seconds: number;
  /** Over all threads: hardly changes when others use the machine, but counts threads that wait by spinning. */
  readonly processorSeconds: number;
  readonly breakdown?: Breakdown;
}

/** Where the time of our side goes, in seconds; the three add up to it. */
export interface Breakdown {
  /** Calls of the runtime. */
  readonly runs: number;
  /** Inside those calls, in the engine process. */
  readonly kernels: number;
  /** Rest of the round trips: serialising, copying, waking up. */
  readonly boundary: number;
  /** While no call runs: noise, prompts, optimiser, picture. */
  readonly host: number;
}

export interface Comparison {
  readonly name: string;
  readonly seconds: number;
  readonly processorSeconds: number;
  /** Time over the reference's of the same round: median, least and most. */
  readonly ratio: readonly [median: number, least: number, most: number];
  readonly processorRatio: number;
  /** Of the round with the median time, or the faster of two. */
  readonly breakdown?: Breakdown;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

/** Runs all contenders in turn, round after round, so that whatever else happens on the machine meets all of them; one
 * round to warm up is not counted. Ratios are taken within a round, over the last contender. */
export async function alternate(
  contenders: readonly Contender[],
  rounds: number,
  between: () => Promise<void>,
): Promise<readonly Comparison[]> {
  const timings = contenders.map((): Timing[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const timing = await contender.run();
      if (round >= 0) timings[i]?.push(timing);
      process.stderr.write(
        `${round < 0 ? "warm-up" : `round ${round + 1}`}: ${contender.name} ${timing.seconds.toFixed(3)} s\n`,
      );
    }
    await between();
  }
  const reference = timings.at(-1) as Timing[];
  return contenders.map(({ name }, i) => {
    const own = timings[i] as Timing[];
    const ratios = own.map(({ seconds }, round) => seconds / (reference[round] as Timing).seconds);
    const processorRatios = own.map((t, round) => t.processorSeconds / (reference[round] as Timing).processorSeconds);
    const { breakdown } = own.toSorted((a, b) => a.seconds - b.seconds)[(own.length - 1) >> 1] as Timing;
    return {
      name,
      seconds: median(own.map((t) => t.seconds)),
      processorSeconds: median(own.map((t) => t.processorSeconds)),
      ratio: [median(ratios), Math.min(...ratios), Math.max(...ratios)],
      processorRatio: median(processorRatios),
      ...(breakdown && { breakdown }),
    };
  });
}
