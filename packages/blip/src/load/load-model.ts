// Loads a model from a path or id as a network that is ready for a task: opens the model, determines its sizes, and
// checks all tensors.
import { orClosed, unlessAborted, type Warning } from "@blip-ts/base";
import { optimize } from "@blip-ts/graph";
import { below, exactly, type IntendedGap } from "../weights/intended-gaps.ts";
import { layerPathOf } from "../weights/layer-paths.ts";
import { checkRequired } from "../weights/requirements.ts";
import { prefixLeftOut } from "../weights/errors.ts";
import { quantizedMatrices, type StoredTensor } from "@blip-ts/checkpoint";
import { secondBias, withTiedHead } from "../weights/tied-head.ts";
import type { BlipConfig } from "../model/config.ts";
import type { Compat, Platform } from "../platform.ts";
import type { BertTokenizer } from "../text/word-piece.ts";
import { defaultLimits, leastMemory, limitsWithin, type Limits, type MemoryNeeds } from "./memory-plan.ts";
import { checkImageSize, checkModelOptions, type ModelOptions } from "./model-options.ts";
import { copiedTensors } from "./copied-weights.ts";
import { chooseDType, typedTensors, typesOf } from "./weight-dtype.ts";
import { Network, type NetworkTypes, openEngine, type OpenEngine } from "@blip-ts/engine";
import { expectTask, readJson, readTokenizer, type OpenedModel } from "./open-model.ts";
import { openSource } from "./open-suite.ts";
import { readConfig } from "./read-config.ts";
import { type SpecialTokens, specialTokens } from "./special-tokens.ts";
import { isDual } from "../tasks/graphs.ts";
import { specOf } from "../tasks/index.ts";
import type { NetworkTask, TaskGraph, TaskModel } from "../tasks/task.ts";

/**
 * Groups of tensors that a task may leave unused. A group may be left unused only as a whole. All other unused tensors
 * are errors.
 */
const groups: readonly IntendedGap[] = [
  { covers: below("text_decoder"), reason: "decoder, for captions and answers" },
  { covers: below("text_encoder"), reason: "text encoder, for matching and questions" },
  { covers: below("cls_head"), reason: "head of NLVR2" },
  { covers: below("itm_head"), reason: "head of matching" },
  { covers: below("vision_proj", "text_proj"), reason: "projections of the joint embedding" },
  {
    covers: below("text_model", "visual_projection", "text_projection"),
    reason: "BlipModel's own text model",
  },
];

/** Tensors that any file may contain in addition. */
const alwaysLeftOut: readonly IntendedGap[] = [
  secondBias,
  { covers: exactly("logit_scale"), reason: "temperature of the contrastive loss, used in training only" },
];

/** The cross-attention in the layers of `BlipModel`, which does not use it. */
const dualCrossAttention: IntendedGap = {
  covers: (name) => {
    const path = layerPathOf(name);
    return path?.stack === "dual" && path.rest.startsWith("crossattention.");
  },
  reason: "cross-attention, which texts alone do not use",
};

/** A checked model with all decisions that are made before the model runs. */
export interface PreparedModel {
  readonly platform: Platform<never>;
  readonly opened: OpenedModel;
  /** The parsed config.json, if there is one. */
  readonly json: unknown;
  readonly config: BlipConfig;
  readonly tokenizer: BertTokenizer;
  readonly tokens: SpecialTokens;
  readonly compat: Compat;
  /** The source of the generation defaults for captions and answers; by default the conventions (`compat`). */
  readonly generationConfig?: ModelOptions["generationConfig"];
  /** The side of the images, in pixels. */
  readonly imageSize: number;
  readonly warnings: readonly Warning[];
  /** Tensors by their names in float32 graphs. `typedTensors` derives the tensors of the model's type from them. */
  readonly originals: ReadonlyMap<string, StoredTensor>;
  /** The names of the tensors that the tasks' graphs read. */
  readonly required: ReadonlySet<string>;
  readonly types: NetworkTypes;
}

export interface LoadedNetwork extends Omit<PreparedModel, "originals" | "required" | "types"> {
  readonly network: Network;
  /** The batch sizes of the network. */
  readonly limits: Limits;
}

/** Determines a model's sizes. Returns them with warnings about corrected values. */
export async function configOf(
  opened: OpenedModel,
  options: ModelOptions,
  task?: NetworkTask,
): Promise<{ readonly json: unknown; readonly config: BlipConfig; readonly warnings: readonly Warning[] }> {
  const { vision, text, jointEmbedding, dualEmbedding } = opened.architecture;
  if (!vision || !text) throw new Error(`${opened.files.name} has no task, so that it has no sizes`);
  const json = await readJson(opened.files, "config.json");
  const name = json === undefined ? opened.files.name : `${opened.files.name}/config.json`;
  const { config, warnings } = readConfig(name, { vision, text, jointEmbedding }, json, {
    compat: options.compat ?? "hf",
    textHeads: options.textHeads,
  });
  const dual = task === "embed" && isDual(opened.architecture) && dualEmbedding !== undefined;
  const wrapped = opened.prefix === "" ? [] : [prefixLeftOut(opened.files.name, opened.prefix)];
  return {
    json,
    warnings: [...wrapped, ...warnings],
    config: dual ? { ...config, jointEmbedding: dualEmbedding } : config,
  };
}

/**
 * Checks that a file has the tensors that the tasks require.
 * @returns all tensors by the network's names, and the names of the required tensors
 * @throws {ModelError} `checkpoint/mismatch`
 */
export function checkTensors(
  opened: OpenedModel,
  config: BlipConfig,
  tasks: readonly NetworkTask[],
): Pick<PreparedModel, "originals" | "required"> {
  const tensors = withTiedHead(opened.tensors);
  const required = new Map(
    tasks
      .flatMap((task) => specOf(task).graphs({ config, architecture: opened.architecture }))
      .flatMap(({ graph: { weights } }) => weights.map(({ name, shape }) => [name, shape] as const)),
  );
  const names = [...required.keys()];
  const unused = groups.filter(({ covers }) => !names.some(covers));
  const gaps = [...unused, dualCrossAttention, ...alwaysLeftOut];
  checkRequired(tensors, required, gaps, quantizedMatrices(opened.quantized.keys()));
  return { originals: tensors, required: new Set(names) };
}

/**
 * Prepares an open model for tasks and checks it. Does not read or convert weights.
 * @param speaking the tasks whose special tokens must exist; by default all tasks
 * @throws {ModelError} `model/wrong-task`, `model/bad-config`, `checkpoint/mismatch`, ...
 * @throws {UsageError} `usage/bad-option` if images would be smaller than a patch
 */
export async function prepareModel(
  platform: Platform<never>,
  opened: OpenedModel,
  tasks: readonly NetworkTask[],
  options: ModelOptions,
  speaking: readonly NetworkTask[] = tasks,
): Promise<PreparedModel> {
  const { signal } = options;
  for (const task of tasks) expectTask(opened, task);
  // BlipModel's embeddings may have a width of their own.
  const sizing = tasks.includes("embed") ? "embed" : tasks[0];
  const { json, config, ...found } = await unlessAborted(configOf(opened, options, sizing), signal);
  const { imageSize = config.vision.imageSize } = options;
  if (options.imageSize !== undefined) checkImageSize(imageSize, config.vision.patchSize);
  const { originals, required } = checkTensors(opened, config, tasks);
  const compat = options.compat ?? "hf";
  const tokenizer = await unlessAborted(
    readTokenizer(opened.files, config.text.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  signal?.throwIfAborted();
  const tokens = tokensOf({ opened, tokenizer, json, config, compat }, speaking);
  const warnings = [...found.warnings, ...tokenizer.warnings];
  warnings.forEach(warningOf(platform, options));
  const types = typesOf(chooseDType(opened, options.dtype), originals, opened.quantized);
  return {
    ...{ platform, opened, json, config, tokenizer, tokens, compat, imageSize, warnings },
    ...{ originals, required, types, generationConfig: options.generationConfig },
  };
}

/**
 * Returns the special tokens for tasks.
 * @throws {ModelError} `model/no-special-token`
 */
export function tokensOf(
  {
    opened,
    tokenizer,
    json,
    config,
    compat,
  }: Pick<PreparedModel, "opened" | "tokenizer" | "json" | "config" | "compat">,
  tasks: readonly NetworkTask[],
): SpecialTokens {
  const specs = tasks.map(specOf);
  return specialTokens(opened.files.name, tokenizer, json, config, {
    dec: specs.some(({ lengths }) => lengths !== undefined),
    enc: specs.some(({ startsWithEnc }) => startsWithEnc(compat, opened.architecture)),
  });
}

/** Returns the function that receives warnings: `onWarning`, or the platform's. */
export const warningOf = (
  platform: Platform<never>,
  { onWarning }: ModelOptions,
): ((warning: Warning) => void) => onWarning ?? ((warning) => platform.warn(warning));

/** Removes duplicate graphs by name, because tasks share some. */
const distinct = (graphs: readonly TaskGraph[]): readonly TaskGraph[] => [
  ...new Map(graphs.map((graph) => [graph.graph.name, graph])).values(),
];

/** Returns the memory needs of a model, to compare with a memory limit. */
export function counted(
  { opened, config, imageSize, types }: Pick<PreparedModel, "opened" | "config" | "imageSize" | "types">,
  tasks: readonly NetworkTask[],
  holds: boolean,
): MemoryNeeds {
  const model: TaskModel = { config, architecture: opened.architecture };
  const specs = tasks.map(specOf);
  return {
    config: { ...config, vision: { ...config.vision, imageSize } },
    shapes: specs.map(({ memory }) => memory(opened.architecture)),
    graphs: distinct(specs.flatMap(({ graphs }) => graphs(model))).map(({ graph, ...rest }) => ({
      ...rest,
      graph: optimize(graph, types.passes),
    })),
    holds,
  };
}

/**
 * Computes the least memory of a model and its process in MB, before the model is loaded.
 * @throws {ModelError} if the model cannot be found, read, or used for the tasks
 * @throws {UsageError} if an option is invalid
 */
export async function memoryNeeded(
  platform: Platform<never>,
  source: string,
  tasks: readonly NetworkTask[],
  options: ModelOptions,
): Promise<number> {
  checkModelOptions(options);
  const opened = await openSource(platform, source, tasks, options);
  // Drop the warnings here, because loading the model repeats them.
  const model = await prepareModel(platform, opened, tasks, { ...options, onWarning: () => undefined });
  return leastMemory(counted(model, tasks, false));
}

/** How a network will be used. */
export interface NetworkUse {
  /** Whether images are held for several calls, and the last images are cached. */
  readonly holds?: boolean;
  /** The tasks whose special tokens must exist; by default all tasks. */
  readonly speaking?: readonly NetworkTask[];
}

/**
 * Creates a network for the tasks of an open model. Checks the memory limit and opens the device before it converts
 * weights, because converting takes seconds.
 * @throws {ModelError} `model/wrong-task`, `model/bad-config`, `checkpoint/mismatch`, `model/device`, ...
 * @throws {UsageError} `usage/memory-too-small` @throws the signal's reason
 */
export async function networkOf(
  platform: Platform<never>,
  opened: OpenedModel,
  tasks: readonly NetworkTask[],
  options: ModelOptions,
  { holds = false, speaking }: NetworkUse = {},
): Promise<LoadedNetwork> {
  const prepared = await prepareModel(platform, opened, tasks, options, speaking);
  const onWarning = warningOf(platform, options);
  const limits =
    options.memory === undefined
      ? defaultLimits(prepared.config)
      : limitsWithin(options.memory, counted(prepared, tasks, holds));
  const open = await openEngine(platform, prepared.types.dtype, { ...options, onWarning });
  return orClosed(open.engine, () => networkOver(prepared, open, limits, options), options.signal);
}

/**
 * Creates the network of a prepared model on an open engine. Converts weights if the model's type requires it.
 * @throws {ModelError} if weights cannot be read @throws the signal's reason
 */
export async function networkOver(
  { originals, required, types, ...prepared }: PreparedModel,
  { engine, emit }: Pick<OpenEngine, "engine" | "emit">,
  limits: Limits,
  options: ModelOptions,
): Promise<LoadedNetwork> {
  options.signal?.throwIfAborted();
  const { platform, opened } = prepared;
  const read = (some: ModelOptions) => typedTensors(platform, opened, originals, types.dtype, some);
  const typed = await read(options);
  if (options.load === "copy") {
    const copied = await copiedTensors(typed, required, options.signal);
    return { ...prepared, network: new Network(types, copied, engine, emit), limits };
  }
  // If cached weights are deleted or damaged, derive them again, provided that the originals are unchanged.
  const renew = async () => {
    for (const { source } of originals.values()) source.expectUnchanged?.();
    return read({ ...options, signal: undefined });
  };
  const network = new Network(types, typed, engine, emit, typed === originals ? undefined : renew);
  return { ...prepared, network, limits };
}

/**
 * Opens a model for tasks.
 * @throws {ModelError} if the model cannot be found, read, or used for the tasks
 * @throws {UsageError} if an option is invalid
 */
export async function loadNetwork(
  platform: Platform<never>,
  source: string,
  tasks: readonly NetworkTask[],
  options: ModelOptions = {},
): Promise<LoadedNetwork> {
  checkModelOptions(options);
  return networkOf(platform, await openSource(platform, source, tasks, options), tasks, options);
}
