// Any checkpoint to a Hugging Face folder.
import { unlessAborted, UsageError, type Warning } from "@blip-ts/base";
import type { Platform } from "../platform.ts";
import { checkTensors, configOf } from "../load/load-model.ts";
import { networkTasks, specOf } from "../tasks/index.ts";
import type { NetworkTask } from "../tasks/task.ts";
import { checkModelOptions, type ModelOptions } from "../load/model-options.ts";
import { expectTask, openSource, readTokenizer, type OpenedModel } from "../load/open-model.ts";
import type { BlipConfig } from "../model/config.ts";
import type { BertTokenizer } from "../text/word-piece.ts";
import { type ConvertedWeights, savePretrained } from "../save/save.ts";

export interface ConvertOptions extends ModelOptions {
  /** Which model a file of several (a pre-trained one) is to become. */
  readonly task?: string | undefined;
}

function chooseTask(opened: OpenedModel, asked: string | undefined): NetworkTask {
  const can = networkTasks.filter((task) => opened.tasks.tasks.includes(task));
  // What matches also makes features: one class does both.
  const own = can.filter((task) => task !== "embed" || !can.includes("match"));
  if (asked !== undefined) {
    const chosen = networkTasks.find((task) => task === asked);
    if (!chosen)
      throw new UsageError("usage/bad-option", `task: expected ${own.join(" or ")}, found ${asked}`, {
        asked,
      });
    expectTask(opened, chosen);
    return chosen;
  }
  const [first, ...others] = own;
  if (first === undefined) expectTask(opened, "match");
  if (first === undefined || others.length > 0)
    throw new UsageError(
      "save/several-models",
      `${opened.files.name} holds the models of several tasks (${own.join(", ")}), and a Hugging Face folder holds one: ` +
        "say which with task (--task)",
      { tasks: own },
    );
  return first;
}

/** What a folder was made of. */
export interface Conversion {
  readonly task: string;
  /** transformers' name of the class that loads it. */
  readonly architecture: string;
  readonly warnings: readonly Warning[];
}

/**
 * Any checkpoint to a Hugging Face folder: names, config, processor.
 * @returns what was written, with a warning where transformers has no class for the folder
 * @param convertTo changes the weights by the way; without it numbers stay as they are
 * @throws {ModelError} where the model cannot be used @throws {UsageError} `save/...`
 */
export async function convert(
  platform: Platform<never>,
  source: string,
  folder: string,
  options: ConvertOptions = {},
  convertTo?: ConvertedWeights,
): Promise<Conversion> {
  checkModelOptions(options);
  const { signal } = options;
  const opened = await openSource(platform, source, options);
  const task = chooseTask(opened, options.task);
  expectTask(opened, task);
  // An original file was trained with the original's epsilon; a Hugging Face one says its own.
  const compat = opened.dialect === "original" ? "blip" : "hf";
  const { json, config, warnings } = await unlessAborted(
    configOf(opened, { ...options, compat }, task),
    signal,
  );
  checkTensors(opened, config, [task]);
  const tokenizer: BertTokenizer = await unlessAborted(
    readTokenizer(opened.files, config.text.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  const all = [...warnings, ...classWarnings(opened, task, config)];
  const warn = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
  all.forEach(warn);
  await savePretrained({ platform, opened, json, config, tokenizer }, task, folder, { convertTo, signal });
  return { task, architecture: specOf(task).saved(opened.architecture).architecture, warnings: all };
}

function classWarnings({ files }: OpenedModel, task: NetworkTask, config: BlipConfig): Warning[] {
  const why = specOf(task).noClass(config);
  if (why === undefined) return [];
  const message = `${files.name}: ${why}; this package loads the folder, transformers does not`;
  return [{ code: "save/no-class", message }];
}
