// The complete state of a training run on disk. A folder holds one subfolder per kept state, and `training.json` with
// the names of the last and the best state. Saving writes a state under a temporary name, renames it, replaces
// `training.json`, and then removes the states that `training.json` no longer names. Whenever the process ends,
// `training.json` names only states that exist.
import { closing, untilAborted, type ByteSource } from "@blip-ts/base";
import {
  readSafetensors,
  safetensorsBytes,
  type StoredTensor,
  type WritableTensors,
} from "@blip-ts/checkpoint";
import { noState, otherState } from "../errors.ts";
import type { TrainingFiles } from "./files.ts";

/** A value that JSON can express. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface StateFacts {
  readonly objective: string;
  /** The number of completed updates. */
  readonly step: number;
  readonly seed: number;
  /** Whether the moving averages were already updated for the next step, because that step began but failed. */
  readonly followed: boolean;
  /** The caller's position in the data. */
  readonly position: Json;
}

export interface SaveOptions {
  /** Keeps this state as the best, until a later state is saved as the best. */
  readonly best?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Selects a state. */
export type Which = "last" | "best";

interface Index {
  readonly version: 1;
  readonly last: string;
  readonly best?: string | undefined;
}

const indexName = "training.json";
const factsName = "state.json";
const tensorsName = "state.safetensors";
/** Also matches unfinished states: `.step-3.partial-...`. */
const isState = (name: string) => /^\.?step-\d+(\.[\w-]+)*$/.test(name);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parse(path: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isRecord(value)) throw otherState(path, "its content", "a JSON object", text.slice(0, 40));
  return value;
}

async function readIndex(files: TrainingFiles, folder: string): Promise<Index | undefined> {
  const path = `${folder}/${indexName}`;
  const text = await files.readText(path);
  if (text === undefined) return undefined;
  const { version, last, best } = parse(path, text);
  if (version !== 1) throw otherState(path, "version", "1", String(version));
  if (typeof last !== "string" || !isState(last))
    throw otherState(path, "last", "the name of a state", String(last));
  if (best !== undefined && (typeof best !== "string" || !isState(best)))
    throw otherState(path, "best", "the name of a state", JSON.stringify(best));
  return { version, last, best };
}

/** A name for a state of this step that the index does not use. */
function freeName(step: number, index: Index | undefined): string {
  const taken = new Set([index?.last, index?.best]);
  const names = [`step-${step}`, `step-${step}.2`, `step-${step}.3`];
  return names.find((name) => !taken.has(name)) ?? `step-${step}.4`;
}

/**
 * Writes a state as the last state, and with `best` also as the best state.
 * @throws {UsageError} `save/cannot-write`; the previous states then still exist
 */
export async function saveState(
  files: TrainingFiles,
  folder: string,
  facts: StateFacts,
  tensors: WritableTensors,
  { best = false, signal }: SaveOptions = {},
): Promise<void> {
  const before = await readIndex(files, folder);
  const name = freeName(facts.step, before);
  // Remove a state of this name that an earlier process wrote but did not enter in the index.
  await files.remove(`${folder}/${name}`);
  await closing(await files.createFolder(`${folder}/${name}`), async (writer) => {
    await writer.write(factsName, `${JSON.stringify({ version: 1, ...facts }, null, 2)}\n`);
    await writer.write(tensorsName, untilAborted(safetensorsBytes(tensors), signal));
    signal?.throwIfAborted();
    await writer.commit();
  });
  const index: Index = { version: 1, last: name, best: best ? name : before?.best };
  await files.replaceText(`${folder}/${indexName}`, `${JSON.stringify(index, null, 2)}\n`);
  const needed = new Set([index.last, index.best]);
  for (const other of await files.list(folder))
    if (isState(other) && !needed.has(other))
      // The new state is complete. The next save retries folders that cannot be removed now.
      await files.remove(`${folder}/${other}`).catch(() => undefined);
}

export interface OpenedState {
  readonly facts: StateFacts;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly source: ByteSource;
}

/** @throws {UsageError} `train/no-state` @throws {ModelError} `train/state`, or if a file cannot be read */
export async function openState(
  files: TrainingFiles,
  folder: string,
  which: Which = "last",
): Promise<OpenedState> {
  const name = (await readIndex(files, folder))?.[which];
  if (name === undefined) throw noState(folder, which);
  const path = `${folder}/${name}/${factsName}`;
  const text = await files.readText(path);
  if (text === undefined) throw noState(`${folder}/${name}`, factsName);
  const { version, objective, step, seed, followed, position } = parse(path, text);
  if (version !== 1) throw otherState(path, "version", "1", String(version));
  if (typeof objective !== "string") throw otherState(path, "objective", "a name", String(objective));
  if (typeof step !== "number" || !Number.isSafeInteger(step) || step < 0)
    throw otherState(path, "step", "a whole number from 0", String(step));
  if (typeof seed !== "number") throw otherState(path, "seed", "a number", String(seed));
  const source = await files.openFile(`${folder}/${name}/${tensorsName}`);
  const { tensors } = await readSafetensors(source);
  return {
    facts: { objective, step, seed, followed: followed === true, position: position as Json },
    tensors,
    source,
  };
}
