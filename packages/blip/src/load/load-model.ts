// From a path or id to a network that is ready for a task: opened, its sizes decided, all its tensors accounted for.
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

/** Groups of tensors that other tasks need. One of which a task uses nothing may be there; of the others, nothing else. */
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

/** What any file may have besides. */
const alwaysLeftOut: readonly IntendedGap[] = [
  secondBias,
  { covers: exactly("logit_scale"), reason: "temperature of the contrastive loss, used in training only" },
];

/** `BlipModel` is built of the same layers and leaves their cross-attention unused. */
const dualCrossAttention: IntendedGap = {
  covers: (name) => {
    const path = layerPathOf(name);
    return path?.stack === "dual" && path.rest.startsWith("crossattention.");
  },
  reason: "cross-attention, which texts alone do not use",
};

/** All that is decided about a model before anything of it is run. */
export interface PreparedModel {
  readonly platform: Platform<never>;
  readonly opened: OpenedModel;
  /** The parsed config.json, where there is one. */
  readonly json: unknown;
  readonly config: BlipConfig;
  readonly tokenizer: BertTokenizer;
  readonly tokens: SpecialTokens;
  readonly compat: Compat;
  /** Where captions and answers have their defaults from, if not from the mode. */
  readonly generationConfig?: ModelOptions["generationConfig"];
  /** Side of the pictures in pixels. */
  readonly imageSize: number;
  readonly warnings: readonly Warning[];
  /** By the names that float32 graphs use; `typedTensors` makes those of the model's type. */
  readonly originals: ReadonlyMap<string, StoredTensor>;
  /** Of these, the names of those that the tasks' graphs read. */
  readonly required: ReadonlySet<string>;
  readonly types: NetworkTypes;
}

export interface LoadedNetwork extends Omit<PreparedModel, "originals" | "required" | "types"> {
  readonly network: Network;
  /** How much the network is given at a time. */
  readonly limits: Limits;
}

/** A model's sizes, with what is noteworthy about them. */
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
 * Compares a file with what the tasks require of it.
 * @returns all tensors by the names that the network uses, and which of them it requires
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
 * What tasks need of a model that is open, checked. No weight is read or converted.
 * @param speaking the tasks whose special tokens must be there: all of them, unless told
 * @throws {ModelError} `model/wrong-task`, `model/bad-config`, `checkpoint/mismatch`, ...
 * @throws {UsageError} `usage/bad-option` where pictures are to be smaller than a patch
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
  // Features alone may have a width of their own.
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
 * The special tokens that tasks need.
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

/** Where warnings go. */
export const warningOf = (
  platform: Platform<never>,
  { onWarning }: ModelOptions,
): ((warning: Warning) => void) => onWarning ?? ((warning) => platform.warn(warning));

/** Graphs by name: tasks share some. */
const distinct = (graphs: readonly TaskGraph[]): readonly TaskGraph[] => [
  ...new Map(graphs.map((graph) => [graph.graph.name, graph])).values(),
];

/** What a bound of memory is compared with: the sizes at which images are seen, and the graphs that are loaded. */
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
 * MB that a model and its process take at least, before anything of it is loaded.
 * @throws {ModelError} where it cannot be found, read, or used for the tasks
 * @throws {UsageError} where an option is wrong
 */
export async function memoryNeeded(
  platform: Platform<never>,
  source: string,
  tasks: readonly NetworkTask[],
  options: ModelOptions,
): Promise<number> {
  checkModelOptions(options);
  const opened = await openSource(platform, source, tasks, options);
  // Who loads it is warned then.
  const model = await prepareModel(platform, opened, tasks, { ...options, onWarning: () => undefined });
  return leastMemory(counted(model, tasks, false));
}

/** How a network is used. */
export interface NetworkUse {
  /** Are images held for several calls, and the last ones kept? */
  readonly holds?: boolean;
  /** The tasks whose special tokens must be there: all of them, unless told. */
  readonly speaking?: readonly NetworkTask[];
}

/**
 * A network for tasks, of a model that is open. What can be refused at once is refused before weights are converted,
 * which takes seconds: a bound of memory, then the device.
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
 * A network of a model that was prepared, over an engine that is open. Weights are converted if its type asks for it.
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
  // Kept weights that somebody deleted or damaged are made anew; of the originals, as long as they are what they were.
  const renew = async () => {
    for (const { source } of originals.values()) source.expectUnchanged?.();
    return read({ ...options, signal: undefined });
  };
  const network = new Network(types, typed, engine, emit, typed === originals ? undefined : renew);
  return { ...prepared, network, limits };
}

/**
 * Opens a model for tasks.
 * @throws {ModelError} where it cannot be found, read, or used for them
 * @throws {UsageError} where an option is wrong
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
