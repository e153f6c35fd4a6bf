// Combines models of several tasks into one folder, a suite: model_index.json, a part per task, and the shared image
// encoder, stored once.
import { type Warning, closing, must, unlessAborted, optionNames } from "@blip-ts/base";
import { sameTensor, type StoredTensor } from "@blip-ts/checkpoint";
import { imageEncoderFolder, suiteIndexText, tasksIn } from "../load/suite-index.ts";
import { configOf } from "../load/load-model.ts";
import { expectSameStates } from "../load/same-images.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { suiteIndexFile, sourceOptionNames } from "../files.ts";
import type { Platform } from "../platform.ts";
import { savedFiles, writeFiles, type SavedFiles } from "../save/save.ts";
import { networkTasks, specOf } from "../tasks/index.ts";
import type { NetworkTask, Task } from "../tasks/task.ts";
import { isImageEncoder } from "../weights/names.ts";
import { networkTaskNamed, openConvertible, type Convertible } from "./convert.ts";
import { differentEncoders, noParts, partTwice, retrieveAsPart } from "./errors.ts";

/** A model for a suite. */
export interface SuitePart {
  /** The model's task in the suite: match (which includes retrieve), caption, ask, compare or embed. */
  readonly task: string;
  /** A folder, a weights file, a suite, or a Hub id. */
  readonly model: string;
}

/** Options to open the parts of a suite. */
export type MakeSuiteOptions = Pick<
  ModelOptions,
  "revision" | "offline" | "allowPrivateRedirects" | "signal" | "onProgress" | "onWarning" | "textHeads"
>;

export const makeSuiteOptionNames = optionNames<MakeSuiteOptions>()({
  ...sourceOptionNames,
  textHeads: true,
});

/** The result of making a suite. */
export interface SuiteConversion {
  /** The tasks that the suite can do. */
  readonly tasks: readonly Task[];
  /** The models of the suite. */
  readonly parts: readonly {
    readonly task: string;
    readonly model: string;
    /** The name of transformers' class for the part. */
    readonly architecture: string;
  }[];
  /** Possible problems of the models. */
  readonly warnings: readonly Warning[];
}

/** A part that has been opened. */
interface OpenedPart extends Convertible {
  readonly model: string;
}

/** @throws {UsageError} `suite/bad-parts`, `usage/bad-option` */
function checkParts(parts: readonly SuitePart[]): (SuitePart & { readonly task: NetworkTask })[] {
  if (parts.length === 0) throw noParts();
  return parts.map(({ task, model }, index) => {
    if (parts.findIndex((other) => other.task === task) !== index)
      throw partTwice(
        task,
        parts.flatMap((part) => (part.task === task ? [part.model] : [])),
      );
    if (task === "retrieve") throw retrieveAsPart(task, model, networkTasks);
    return { task: networkTaskNamed(task), model };
  });
}

const encoderOf = ({ saved }: OpenedPart): Map<string, StoredTensor> =>
  new Map(
    [...saved.opened.tensors].filter(([name]) => isImageEncoder(name)).sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const typeOf = ({ dtype, shape }: StoredTensor): string => `${dtype} [${shape.join(", ")}]`;

/** Checks that all parts have the same image encoder, byte for byte. @throws {ModelError} `suite/different-encoders` */
async function expectOneEncoder(
  parts: readonly OpenedPart[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const [first, ...others] = parts;
  if (!first) return;
  const encoder = encoderOf(first);
  for (const other of others) {
    const own = encoderOf(other);
    for (const name of new Set([...encoder.keys(), ...own.keys()])) {
      const [a, b] = [encoder.get(name), own.get(name)];
      const pair = [first, other] as const;
      if (!a || !b) throw differentEncoders(name, pair, `is in ${(a ? first : other).model} alone`);
      if (typeOf(a) !== typeOf(b))
        throw differentEncoders(name, pair, `is ${typeOf(a)} in one, ${typeOf(b)} in the other`);
      if (!(await unlessAborted(sameTensor(a, b), signal)))
        throw differentEncoders(name, pair, "holds other numbers");
    }
  }
}

/** Checks that all parts compute the same image states. @throws {ModelError} `suite/different-states` */
async function expectOneConfig(name: string, parts: readonly OpenedPart[], options: MakeSuiteOptions) {
  const sized = parts.map(async ({ task, model, saved: { opened } }) => {
    // As in all verbs, BLIP's own epsilon takes precedence over the epsilon in transformers' config files.
    const { config } = await unlessAborted(
      configOf(opened, { ...options, compat: "blip" }, task),
      options.signal,
    );
    return { name: `${task}=${model}`, config };
  });
  expectSameStates(name, await Promise.all(sized));
}

/** A part's own files, without the image encoder's weights. */
async function ownFiles({ saved, task }: OpenedPart, signal: AbortSignal | undefined): Promise<SavedFiles> {
  const files = await savedFiles(saved, task, { signal });
  return { ...files, weights: new Map([...files.weights].filter(([name]) => !isImageEncoder(name))) };
}

/**
 * Makes a suite from models of several tasks: a folder from which every class and command loads the model of its task.
 * The weights do not change. Config, preprocessor and tokenizer files are copied. The image encoder is written once.
 * @param parts a model per task; `match` also provides `embed`, unless `embed` has its own model
 * @param folder must not exist yet or be empty; it appears once it is complete
 * @throws {ModelError} `suite/different-encoders` with the first tensor that differs, `suite/different-states` with the
 *   first size of `vision_config` that differs, `model/wrong-task`, or if a model cannot be found or read
 * @throws {UsageError} `suite/bad-parts`, `usage/bad-option`, `save/exists`, `save/cannot-write`, `save/quantized`
 */
export async function makeSuite(
  platform: Platform<never>,
  parts: readonly SuitePart[],
  folder: string,
  options: MakeSuiteOptions = {},
): Promise<SuiteConversion> {
  const { signal } = options;
  const opened: OpenedPart[] = [];
  for (const { task, model } of checkParts(parts))
    opened.push({ model, ...(await openConvertible(platform, model, { ...options, task })) });
  const warnings = opened.flatMap((part) => part.warnings);
  const folders = foldersOf(opened);
  await closing(await platform.createFolder(folder), async (writer) => {
    await expectOneEncoder(opened, signal);
    await expectOneConfig(folder, opened, options);
    warnings.forEach(options.onWarning ?? ((warning: Warning) => platform.warn(warning)));
    await writer.write(suiteIndexFile, suiteIndexText(folders));
    const encoder = { texts: new Map<string, string>(), weights: encoderOf(must(opened, 0)) };
    await writeFiles(writer, encoder, signal, imageEncoderFolder);
    for (const part of opened) await writeFiles(writer, await ownFiles(part, signal), signal, part.task);
    await writer.commit();
  });
  return {
    tasks: tasksIn(folders),
    parts: opened.map(({ task, model, architecture }) => ({ task, model, architecture })),
    warnings,
  };
}

/** Maps each task to the folder of its own model, or of a model that does the task with the same class. */
function foldersOf(parts: readonly OpenedPart[]): Map<NetworkTask, string> {
  const folders = new Map<NetworkTask, string>(parts.map(({ task }) => [task, task]));
  const embeds = parts.find(
    ({ task, saved: { opened } }) =>
      opened.tasks.tasks.includes("embed") &&
      specOf(task).saved(opened.architecture) === specOf("embed").saved(opened.architecture),
  );
  if (embeds && !folders.has("embed")) folders.set("embed", embeds.task);
  return folders;
}
