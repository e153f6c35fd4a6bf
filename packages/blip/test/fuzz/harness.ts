// Structure-aware fuzzing: a target makes inputs that are nearly right, and says what is done with them. Whatever comes in,
// there is no error but the package's own, none that a terminal obeys, no case over its processor time, and no memory
// beyond the target's bound. The cases come from a seed: a failure says its own, and the same one fails again, shrunk.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { BlipError, legible, nextTurn } from "@blip-ts/base";

/** What a target is made of. */
export interface TargetParts<Input> {
  readonly name: string;
  readonly inputs: fc.Arbitrary<Input>;
  /** Uses an input as a caller would. @returns what became of it, for the tally: "opened" unless told */
  readonly use: (input: Input) => Promise<string | undefined>;
  /** Cases in the slow suite. */
  readonly cases: number;
  /** Megabytes by which the process may grow meanwhile. */
  readonly megabytes: number;
  /** Processor time of a case in milliseconds: 2,000 unless told. */
  readonly milliseconds?: number;
  /** Ends what `use` has opened for all cases; the next one opens it again. */
  readonly close?: () => Promise<void>;
}

/** A target, whatever its inputs are. */
export interface FuzzTarget extends Omit<TargetParts<never>, "inputs" | "use"> {
  /** @param wrap is called around each case */
  property(wrap: (use: () => Promise<string | undefined>) => Promise<void>): fc.IAsyncProperty<[never]>;
}

export const fuzzTarget = <Input>({ inputs, use, ...parts }: TargetParts<Input>): FuzzTarget => ({
  ...parts,
  property: (wrap) =>
    fc.asyncProperty(inputs, (input) => wrap(() => use(input))) as unknown as fc.IAsyncProperty<[never]>,
});

export interface FuzzReport {
  readonly cases: number;
  /** Processor time of the slowest case, in milliseconds. */
  readonly slowest: number;
  /** Megabytes by which the process had grown at most. */
  readonly megabytes: number;
  /** How many cases ended how: codes of errors, and what `use` says. */
  readonly endings: ReadonlyMap<string, number>;
}

const defaultMilliseconds = 2_000;
const memoryEvery = 50;
/** Characters of a failure's report: the seed and the path give the case again, however long it is. */
const maxReport = 20_000;
/** Resident memory of this process in megabytes. */
export const megabytesNow = (): number => process.memoryUsage.rss() / 1e6;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Collects what nobody holds: Node's blobs lie outside of the heap, and do not make it be collected. */
async function collected(): Promise<void> {
  for (let time = 0; time < 3; time++) {
    collect();
    await nextTurn();
  }
}

class Watch {
  readonly endings = new Map<string, number>();
  readonly #target: FuzzTarget;
  readonly #before: number;
  readonly #onCase: (() => void) | undefined;
  cases = 0;
  slowest = 0;
  megabytes = 0;

  constructor(target: FuzzTarget, { before = megabytesNow(), onCase }: Omit<FuzzOptions, "seed" | "cases">) {
    this.#target = target;
    this.#before = before;
    this.#onCase = onCase;
  }

  async run(use: () => Promise<string | undefined>): Promise<void> {
    this.#onCase?.();
    const started = process.cpuUsage();
    const ending = await endingOf(use);
    const { user, system } = process.cpuUsage(started);
    const milliseconds = (user + system) / 1000;
    this.slowest = Math.max(this.slowest, milliseconds);
    this.endings.set(ending, (this.endings.get(ending) ?? 0) + 1);
    const { milliseconds: most = defaultMilliseconds, megabytes } = this.#target;
    if (milliseconds > most) throw new Error(`the case took ${milliseconds.toFixed(0)} ms of the processor`);
    if (this.cases++ % memoryEvery > 0) return;
    if (megabytesNow() - this.#before > megabytes) await collected();
    this.megabytes = Math.max(this.megabytes, megabytesNow() - this.#before);
    if (this.megabytes > megabytes)
      throw new Error(`the process has grown by ${this.megabytes.toFixed(0)} MB, the bound is ${megabytes}`);
  }
}

async function endingOf(use: () => Promise<string | undefined>): Promise<string> {
  try {
    return (await use()) ?? "opened";
  } catch (error) {
    if (!(error instanceof BlipError)) throw error;
    if (legible(error.message) !== error.message)
      throw new Error(`a message that a terminal obeys: ${JSON.stringify(error.message)}`, { cause: error });
    return error.code;
  }
}

export interface FuzzOptions {
  readonly seed: number;
  /** Those of the slow suite unless told. */
  readonly cases?: number;
  /** Megabytes from which growth is counted: those of now unless told. */
  readonly before?: number;
  /** Called before each case. */
  readonly onCase?: () => void;
}

/** Runs cases of a target. @throws {Error} with the shrunk case, its seed and its path */
export async function fuzz(
  target: FuzzTarget,
  { seed, cases = target.cases, ...options }: FuzzOptions,
): Promise<FuzzReport> {
  const watch = new Watch(target, options);
  const property = target.property((use) => watch.run(use));
  try {
    const details = await fc.check(property, { seed, numRuns: cases, endOnFailure: false });
    if (details.failed) {
      const { errorInstance: cause } = details;
      const what = cause instanceof Error ? cause.message : String(cause);
      const report = await fc.asyncDefaultReportMessage(details);
      throw new Error(`${target.name}: ${what}\n${report?.slice(0, maxReport) ?? ""}`, { cause });
    }
  } finally {
    await target.close?.();
  }
  const { slowest, megabytes, endings } = watch;
  return { cases: watch.cases, slowest, megabytes, endings };
}
