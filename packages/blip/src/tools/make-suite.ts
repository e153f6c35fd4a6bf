// Models of several tasks as one folder, a suite: model_index.json, a part for each task, and the image encoder that they
// share, once.
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

/** A model that a suite is made of. */
export interface SuitePart {
  /** What it does in the suite: match (and with it retrieve), caption, ask, compare or embed. */
  readonly task: string;
  /** A folder, a weights file, a suite, or a Hub id. */
  readonly model: string;
}

/** How the parts of a suite are opened. */
export type MakeSuiteOptions = Pick<
  ModelOptions,
  "revision" | "offline" | "allowPrivateRedirects" | "signal" | "onProgress" | "onWarning" | "textHeads"
>;

export const makeSuiteOptionNames = optionNames<MakeSuiteOptions>()({
  ...sourceOptionNames,
  textHeads: true,
});

/** What a suite was made of. */
export interface SuiteConversion {
  /** Tasks that the suite can do. */
  readonly tasks: readonly Task[];
  /** The models that it was made of. */
  readonly parts: readonly {
    readonly task: string;
    readonly model: string;
    /** transformers' name of the part's class. */
    readonly architecture: string;
  }[];
  /** What may be wrong with them. */
  readonly warnings: readonly Warning[];
}

/** A part, opened. */
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

/** All parts have the same image encoder, byte for byte. @throws {ModelError} `suite/different-encoders` */
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

/** All parts compute the same states with it. @throws {ModelError} `suite/different-states` */
async function expectOneConfig(name: string, parts: readonly OpenedPart[], options: MakeSuiteOptions) {
  const sized = parts.map(async ({ task, model, saved: { opened } }) => {
    // As verbs read it: BLIP's own epsilon wins over the one that transformers' config files say.
    const { config } = await unlessAborted(
      configOf(opened, { ...options, compat: "blip" }, task),
      options.signal,
    );
    return { name: `${task}=${model}`, config };
  });
  expectSameStates(name, await Promise.all(sized));
}

/** A part's own files: without the image encoder's weights. */
async function ownFiles({ saved, task }: OpenedPart, signal: AbortSignal | undefined): Promise<SavedFiles> {
  const files = await savedFiles(saved, task, { signal });
  return { ...files, weights: new Map([...files.weights].filter(([name]) => !isImageEncoder(name))) };
}

/**
 * Makes a suite of models of several tasks: a folder that every class and command loads, each by its own task. Numbers stay
 * as they are; config, preprocessor and tokenizer files come along; the image encoder is written once.
 * @param parts a model for each task; `match` brings `embed` too, unless another model is named for it
 * @param folder which does not exist yet, or is empty; it is there when it is whole
 * @throws {ModelError} `suite/different-encoders` naming the first tensor that differs, `suite/different-states` naming the
 *   first size of `vision_config` that does, `model/wrong-task`, and where a model cannot be found or read
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

/** The folder of each task: of its own model, or of one that does it as well in the same class. */
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
