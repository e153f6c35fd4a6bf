// The folder of a run: run.json (the settings and the data that determine the numbers), state/ (last and best),
// metrics.jsonl, model/.
import type { TrainingFiles } from "../checkpoint/files.ts";
import type { DataIdentity } from "../data/identity.ts";
import { noRun, otherRun, outOccupied } from "./errors.ts";
import type { Settings } from "./settings.ts";

export const stateFolder = (out: string): string => `${out}/state`;
/** The file that a process holds in the folder as long as it trains. */
export const lockName = "run.lock";
export const modelFolder = (out: string): string => `${out}/model`;
const settingsFile = (out: string) => `${out}/run.json`;

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** The data of a run, by its names in run.json. */
export interface RunData {
  readonly data: DataIdentity;
  /** Null without validation data. */
  readonly validationData: DataIdentity | null;
}

/**
 * Creates a run's folder. For a resume, checks that the folder belongs to the run: compares the settings and the data
 * that determine the numbers.
 * @throws {UsageError} `train/out-occupied`, `train/no-run`, `train/other-run`, `save/cannot-write`
 */
export async function prepareFolder(
  files: TrainingFiles,
  out: string,
  { settings, resume, ...data }: RunData & { readonly settings: Settings; readonly resume: boolean },
): Promise<void> {
  if (!resume) {
    const [first, ...others] = (await files.list(out)).filter((name) => !name.startsWith(lockName));
    if (first !== undefined) throw outOccupied(out, `${others.length + 1} file(s), such as ${first}`);
    const content = { version: 1, ...settings, ...data };
    await files.replaceText(settingsFile(out), `${JSON.stringify(content, null, 2)}\n`);
    return;
  }
  const text = await files.readText(settingsFile(out));
  if (text === undefined) throw noRun(out);
  const before = new Map(valuesOf(parsed(text)));
  for (const [name, value] of valuesOf({ ...settings })) {
    // A run from before a setting existed lacks it. A missing setting equals null.
    const [had, has] = [JSON.stringify(before.get(name) ?? null), JSON.stringify(value)];
    if (had !== has) throw otherRun(out, name, had, has);
    before.delete(name);
  }
  for (const [name, value] of Object.entries(data)) {
    // A run from before run.json named the data lacks it, and goes on with the data that is given.
    const [had, has] = [JSON.stringify(before.get(name)), JSON.stringify(value)];
    if (before.has(name) && had !== has) throw otherRun(out, name, had, has);
  }
  const phases = [...before.keys()].find((name) => name.startsWith("phases"));
  if (phases !== undefined) throw otherRun(out, phases, JSON.stringify(before.get(phases)), "nothing");
  const states = phaseNumbers(settings).map((number) => `${stateFolder(out)}/phase-${number}`);
  for (const folder of [out, stateFolder(out), ...states]) await removeUnfinished(files, folder);
}

/** The numbers of phases, from 1. */
const phaseNumbers = ({ phases }: Settings): readonly number[] => (phases ?? []).map((_, index) => index + 1);

/** Settings by name; settings of phases have names like `phases[0].lr`. */
function valuesOf(settings: Readonly<Record<string, unknown>>): [string, unknown][] {
  const { phases, ...others } = settings;
  if (!Array.isArray(phases)) return Object.entries(settings);
  return [
    ...Object.entries(others),
    ...phases.flatMap((phase: unknown, index) =>
      Object.entries(typeof phase === "object" && phase !== null ? phase : {}).map(
        ([name, value]: [string, unknown]): [string, unknown] => [`phases[${index}].${name}`, value],
      ),
    ),
  ];
}

/** Matches unfinished files that a killed process left in a run's folder: the model, and replacements of files. */
const isUnfinished = (name: string): boolean =>
  /^\.model\.partial-|\.(?:json|svg|jsonl)\.[\da-f-]{36}$/.test(name);

async function removeUnfinished(files: TrainingFiles, folder: string): Promise<void> {
  for (const name of await files.list(folder))
    if (isUnfinished(name)) await files.remove(`${folder}/${name}`);
}

/** Whether a state has been saved. @param folder the folder of states */
export const hasState = async (files: TrainingFiles, folder: string): Promise<boolean> =>
  (await files.readText(`${folder}/training.json`)) !== undefined;
