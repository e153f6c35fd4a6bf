// Any checkpoint to a Hugging Face folder.
import { type Warning, badOption, unlessAborted, optionNames } from "@blip-ts/base";
import type { Platform } from "../platform.ts";
import { checkTensors, configOf } from "../load/load-model.ts";
import { networkTasks, specOf } from "../tasks/index.ts";
import type { NetworkTask } from "../tasks/task.ts";
import { checkModelOptions, type ModelOptions, modelOptionNames } from "../load/model-options.ts";
import { expectTask, readTokenizer, type OpenedModel } from "../load/open-model.ts";
import { openSource } from "../load/open-suite.ts";
import type { BlipConfig } from "../model/config.ts";
import type { BertTokenizer } from "../text/word-piece.ts";
import type { Saved } from "../save/hf-config.ts";
import { type ConvertedWeights, expectUnquantized, savePretrained } from "../save/save.ts";
import { noClass, severalModels } from "./errors.ts";

/** How a model is converted to a Hugging Face folder. */
export interface ConvertOptions extends ModelOptions {
  /** Which model a file of several (a pre-trained one) or a suite is to become. The only one there is unless told. */
  readonly task?: string | undefined;
}

export const convertOptionNames = optionNames<ConvertOptions>()({ ...modelOptionNames, task: true });

/** @throws {UsageError} `usage/bad-option`, listing the tasks whose models can be written */
export function networkTaskNamed(asked: string): NetworkTask {
  const task = networkTasks.find((known) => known === asked);
  if (!task) throw badOption("task", asked, networkTasks);
  return task;
}

function chooseTask(opened: OpenedModel, asked: NetworkTask | undefined): NetworkTask {
  if (asked !== undefined) {
    expectTask(opened, asked);
    return asked;
  }
  const can = networkTasks.filter((task) => opened.tasks.tasks.includes(task));
  // What matches also makes features: one class does both.
  const own = can.filter((task) => task !== "embed" || !can.includes("match"));
  const [first, ...others] = own;
  if (first === undefined) expectTask(opened, "match");
  if (first === undefined || others.length > 0) throw severalModels(opened.files.name, own);
  return first;
}

/** What a folder was made of. */
export interface Conversion {
  /** The task of the model that was written. */
  readonly task: string;
  /** transformers' name of the class that loads it. */
  readonly architecture: string;
  /** What may be wrong with the model. */
  readonly warnings: readonly Warning[];
}

/** A model checked for a task, ready to be written. */
export interface Convertible {
  readonly task: NetworkTask;
  readonly saved: Saved;
  readonly architecture: string;
  readonly warnings: readonly Warning[];
  /** Why transformers cannot load a folder of it, if it cannot. */
  readonly noClass: readonly Warning[];
}

/**
 * Finds a model and checks that a task's class can be written of it. Warnings are not told yet.
 * @throws {ModelError} where the model cannot be used
 * @throws {UsageError} `usage/bad-option`, `save/several-models`, `save/quantized`, `suite/task-needed`
 */
export async function openConvertible(
  platform: Platform<never>,
  source: string,
  options: ConvertOptions,
): Promise<Convertible> {
  checkModelOptions(options);
  const { signal } = options;
  const asked = options.task === undefined ? [] : [networkTaskNamed(options.task)];
  const opened = await openSource(platform, source, asked, options, false);
  const task = chooseTask(opened, asked[0]);
  // An original file was trained with the original's epsilon; a Hugging Face one says its own.
  const compat = opened.dialect === "original" ? "blip" : "hf";
  const { json, config, warnings } = await unlessAborted(
    configOf(opened, { ...options, compat }, task),
    signal,
  );
  checkTensors(opened, config, [task]);
  expectUnquantized(opened);
  const tokenizer: BertTokenizer = await unlessAborted(
    readTokenizer(opened.files, config.text.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  return {
    task,
    saved: { platform, opened, json, config, tokenizer },
    architecture: specOf(task).saved(opened.architecture).architecture,
    warnings: [...warnings, ...tokenizer.warnings],
    noClass: classWarnings(opened, task, config),
  };
}

/**
 * Any checkpoint to a Hugging Face folder: names, config, processor. Of a suite, the part of `task` with the image encoder.
 * @returns what was written, with a warning where transformers has no class for the folder
 * @param convertTo changes the weights by the way; without it numbers stay as they are
 * @throws {ModelError} where the model cannot be used @throws {UsageError} `save/...`, `suite/task-needed`
 */
export async function convert(
  platform: Platform<never>,
  source: string,
  folder: string,
  options: ConvertOptions = {},
  convertTo?: ConvertedWeights,
): Promise<Conversion> {
  const { task, saved, architecture, ...found } = await openConvertible(platform, source, options);
  const warnings = [...found.warnings, ...found.noClass];
  warnings.forEach(options.onWarning ?? ((warning: Warning) => platform.warn(warning)));
  await savePretrained(saved, task, folder, { convertTo, signal: options.signal });
  return { task, architecture, warnings };
}

function classWarnings({ files }: OpenedModel, task: NetworkTask, config: BlipConfig): Warning[] {
  const why = specOf(task).noClass(config);
  if (why === undefined) return [];
  return [noClass(files.name, why)];
}
