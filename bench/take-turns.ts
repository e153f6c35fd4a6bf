// Lanes of a group are sampled in turn, so that what disturbs the machine disturbs all of them.
import { setTimeout as sleep } from "node:timers/promises";
import type { Sample } from "@blip-ts/cli/bench";

export interface Lane {
  readonly name: string;
  /** Loads what is needed. */
  readonly prepare: () => Promise<ReadyLane>;
}

export interface ReadyLane {
  readonly sample: () => Promise<Sample>;
  /** It has run already: the sample that is not counted is left out. */
  readonly warm?: boolean;
}

export interface Turns {
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly notRun: ReadonlyMap<string, string>;
}

export interface TurnOptions {
  readonly runs: number;
  /** Takes a sample of each first that is not counted. */
  readonly warmUp: boolean;
  /** Rest between two samples, in which threads of the one before stop spinning. */
  readonly restMilliseconds: number;
  readonly report: (text: string) => void;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/**
 * `runs` samples of each lane, every turn beginning with another lane. A lane that
 * fails is left out from there on, without its samples.
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
