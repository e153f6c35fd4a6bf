// Converts any checkpoint to a Hugging Face folder.
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

/** Options to convert a model to a Hugging Face folder. */
export interface ConvertOptions extends ModelOptions {
  /**
   * The task of the model to write, if the source is a pre-trained file or a suite. Default: the only model in the
   * source.
   */
  readonly task?: string | undefined;
}

export const convertOptionNames = optionNames<ConvertOptions>()({ ...modelOptionNames, task: true });

/** @throws {UsageError} `usage/bad-option` with the tasks whose models can be written */
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
  // The matching class also computes features.
  const own = can.filter((task) => task !== "embed" || !can.includes("match"));
  const [first, ...others] = own;
  if (first === undefined) expectTask(opened, "match");
  if (first === undefined || others.length > 0) throw severalModels(opened.files.name, own);
  return first;
}

/** The result of a conversion. */
export interface Conversion {
  /** The task of the written model. */
  readonly task: string;
  /** The name of transformers' class that loads the model. */
  readonly architecture: string;
  /** Possible problems of the model. */
  readonly warnings: readonly Warning[];
}

/** A model that has been checked for a task and can be written. */
export interface Convertible {
  readonly task: NetworkTask;
  readonly saved: Saved;
  readonly architecture: string;
  readonly warnings: readonly Warning[];
  /** The reason why transformers cannot load the folder; empty if it can. */
  readonly noClass: readonly Warning[];
}

/**
 * Opens a model and checks that it can be written as a task's class. Does not report warnings yet.
 * @throws {ModelError} if the model cannot be used
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
  // Original files were trained with the original epsilon; Hugging Face files state their own epsilon.
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
 * Converts any checkpoint to a Hugging Face folder: names, config, processor. For a suite, it converts the part of
 * `task` with the image encoder.
 * @returns the description of the folder, with a warning if transformers has no class for it
 * @param convertTo converts the weights; by default, the weights do not change
 * @throws {ModelError} if the model cannot be used @throws {UsageError} `save/...`, `suite/task-needed`
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
