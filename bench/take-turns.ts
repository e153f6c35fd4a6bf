// Samples the lanes of a group in turn, so that a disturbance of the machine affects all of them.
import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "@blip-ts/cli/bench";

export interface Lane {
  readonly name: string;
  /** Loads everything that the lane needs. */
  readonly prepare: () => Promise<ReadyLane>;
}

export interface ReadyLane {
  readonly sample: () => Promise<Sample>;
  /** The lane has already run, so its warm-up sample is skipped. */
  readonly warm?: boolean;
}

export interface Turns {
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly notRun: ReadonlyMap<string, string>;
}

export interface TurnOptions {
  readonly runs: number;
  /** Takes one sample of each lane first, which is not counted. */
  readonly warmUp: boolean;
  /** Rest between two samples, during which the threads of the previous one stop spinning. */
  readonly restMilliseconds: number;
  readonly report: (text: string) => void;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * Takes `runs` samples of each lane. Each turn begins with another lane. A lane that fails is left out from then on,
 * and its samples are dropped.
 */
export async function takeTurns(lanes: readonly Lane[], options: TurnOptions): Promise<Turns> {
  const { runs, warmUp, restMilliseconds, report } = options;
  const ready = new Map<string, ReadyLane>();
  const samples = new Map<string, Sample[]>();
  const notRun = new Map<string, string>();
  const attempt = async (name: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      notRun.set(name, messageOf(error));
      ready.delete(name);
      samples.delete(name);
      report(`${name}: not run: ${messageOf(error)}`);
    }
  };
  for (const { name, prepare } of lanes)
    await attempt(name, async () => void ready.set(name, await prepare()));
  for (let run = warmUp ? 0 : 1; run <= runs; run++) {
    const names = [...ready.keys()];
    const first = run % Math.max(names.length, 1);
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const lane = ready.get(name);
      if (!lane || (run === 0 && lane.warm === true)) continue;
      await sleep(restMilliseconds);
      await attempt(name, async () => {
        const sample = await lane.sample();
        report(`${run === 0 ? "warm-up" : `${run}/${runs}`} ${name}: ${sample.value.toPrecision(4)}`);
        if (run > 0) samples.set(name, [...(samples.get(name) ?? []), sample]);
      });
    }
  }
  return { samples, notRun };
}
