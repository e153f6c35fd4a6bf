// The verb `inspect`: describes a checkpoint without reading its weights.
import { optimize, printGraph } from "@blip-ts/graph";
import type { IgnoredTensor } from "../weights/intended-gaps.ts";
import type { StoredTensor } from "@blip-ts/checkpoint";
import { withTiedHead } from "../weights/tied-head.ts";
import { BlipError, type Warning, must, unlessAborted } from "@blip-ts/base";
import { imageTokens, type BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { knownFaults } from "./known-faults.ts";
import { configOf } from "../load/load-model.ts";
import { networkTaskOf, runnableTasks, specOf } from "../tasks/index.ts";
import { whenChosen } from "../run/cross-attention-form.ts";
import { chooseDType, typesOf } from "../load/weight-dtype.ts";
import { checkModelOptions, type ModelOptions } from "../load/model-options.ts";
import { expectTask, type OpenedModel } from "../load/open-model.ts";
import { findModel, openModelForTasks, openSource, openSuite, type OpenedSuite } from "../load/open-suite.ts";
import { tasksIn } from "../load/suite-index.ts";
import type { Task } from "../tasks/task.ts";
import { isImageEncoder } from "../weights/names.ts";
import { unknownTask } from "./errors.ts";

/** The description of a model's files. */
export interface Inspection {
  /** `safetensors`, `torch-zip` or `torch-legacy`, or `suite` for models of several tasks in one folder. */
  readonly format: string;
  /** The naming scheme of the tensors: `original` or `huggingface`. */
  readonly dialect: string;
  /** The sizes of the network. */
  readonly architecture: {
    readonly vision?: object;
    readonly text?: object;
    readonly jointEmbedding?: number;
  };
  /** The type of the weights: `float32`, `float16`, ..., or `int8` if matrices have 8 bits. */
  readonly weights: string;
  /** The number of parameters, without training leftovers. For a suite, the image encoder counts once. */
  readonly parameters: number;
  /** The tasks that the model can do. */
  readonly tasks: readonly string[];
  /** Heads of the architecture that the file lacks. */
  readonly missing: readonly string[];
  /** Possible problems. */
  readonly warnings: readonly Warning[];
  /** Tensors that are deliberately ignored, with the reason. */
  readonly ignored: readonly IgnoredTensor[];
  /** For a suite: the shared image encoder. */
  readonly imageEncoder?: { readonly folder: string; readonly parameters: number };
  /** For a suite: its parts. */
  readonly parts?: readonly InspectedPart[];
}

/** A part of a suite. Its parameters include the shared image encoder. */
export interface InspectedPart extends Omit<Inspection, "ignored" | "imageEncoder" | "parts"> {
  /** The folder of the part within the suite. */
  readonly folder: string;
  /** The tasks that the suite assigns to the part. */
  readonly tasks: readonly Task[];
}

/** Options of verbs, with BLIP's own conventions as the default. */
const verbDefaults = (options: ModelOptions): ModelOptions => ({
  ...options,
  compat: options.compat ?? "blip",
});

/**
 * Describes a model's files.
 * @throws {ModelError} if the model cannot be found or read
 */
export async function inspect(
  platform: Platform<never>,
  source: string,
  options: ModelOptions = {},
): Promise<Inspection> {
  checkModelOptions(options);
  const files = await findModel(platform, source, options);
  return files.kind === "suite"
    ? inspectSuite(platform, openSuite(files), options)
    : inspectModel(platform, await unlessAborted(openModelForTasks(files, []), options.signal), options);
}

async function inspectModel(
  platform: Platform<never>,
  opened: OpenedModel,
  options: ModelOptions,
): Promise<Inspection> {
  const { architecture, tensors, tasks } = opened;
  const warnings: Warning[] = [];
  let config: BlipConfig | undefined;
  try {
    const read = architecture.vision && architecture.text && (await configOf(opened, verbDefaults(options)));
    config = read?.config;
    warnings.push(...(read?.warnings ?? []));
    if (read) warnings.push(...(await knownFaults(opened, read.json, () => platform.bundledVocabulary())));
  } catch (error) {
    // Report an unusable config as a warning, because the rest of the file can still be described.
    warnings.push(warningOf(error));
  }
  options.signal?.throwIfAborted();
  return {
    format: opened.format,
    dialect: opened.dialect,
    architecture: {
      ...(architecture.vision && { vision: { ...architecture.vision, ...config?.vision } }),
      ...(architecture.text && { text: { ...architecture.text, ...config?.text } }),
      ...(architecture.jointEmbedding !== undefined && { jointEmbedding: architecture.jointEmbedding }),
    },
    weights: opened.quantized.size > 0 ? "int8" : commonType(tensors),
    parameters: parametersIn(tensors.values()),
    tasks: tasks.tasks,
    missing: [...new Set([...tasks.missing.values()].flat())],
    warnings,
    ignored: opened.ignored,
  };
}

/** Converts an error about the file to a warning. @throws all other errors */
function warningOf(error: unknown): Warning {
  if (!(error instanceof BlipError)) throw error;
  return { code: error.code, message: error.message };
}

function parametersIn(tensors: Iterable<StoredTensor>): number {
  let parameters = 0;
  for (const { dtype, shape } of tensors)
    if (dtype.includes("float") || dtype === "int8")
      parameters += shape.reduce((product, size) => product * size, 1);
  return parameters;
}

/** Describes the parts of a suite and their totals. @throws {ModelError} if a part cannot be read */
async function inspectSuite(
  platform: Platform<never>,
  suite: OpenedSuite,
  options: ModelOptions,
): Promise<Inspection> {
  const parts: (Inspection & InspectedPart)[] = [];
  let shared = 0;
  for (const [folder, networks] of suite.parts) {
    const part = await unlessAborted(suite.part(folder), options.signal);
    const named = tasksIn(new Set(networks));
    const unable = named.flatMap((task) => lackOf(part, task));
    const inspected = await inspectModel(platform, part, options);
    shared = parametersIn(
      [...part.tensors].flatMap(([name, tensor]) => (isImageEncoder(name) ? [tensor] : [])),
    );
    parts.push({ ...inspected, folder, tasks: named, warnings: [...inspected.warnings, ...unable] });
  }
  const first = must(parts, 0);
  const { vision } = first.architecture;
  return {
    format: "suite",
    dialect: first.dialect,
    architecture: vision ? { vision } : {},
    weights: [...new Set(parts.map(({ weights }) => weights))].join(", "),
    parameters: parts.reduce((sum, { parameters }) => sum + parameters - shared, shared),
    tasks: suite.index.tasks,
    missing: first.missing.filter((head) => parts.every(({ missing }) => missing.includes(head))),
    warnings: parts.flatMap(({ warnings }) => warnings),
    ignored: parts.flatMap(({ ignored }) => ignored),
    imageEncoder: { folder: suite.index.imageEncoder, parameters: shared },
    parts: parts.map(withoutIgnored),
  };
}

function withoutIgnored(inspection: Inspection & InspectedPart): InspectedPart {
  const { folder, format, dialect, architecture, weights, parameters, tasks, missing, warnings } = inspection;
  return { folder, format, dialect, architecture, weights, parameters, tasks, missing, warnings };
}

/** The warnings if the suite assigns a task to a part that cannot do the task. */
function lackOf(part: OpenedModel, task: Task): Warning[] {
  try {
    expectTask(part, task);
    return [];
  } catch (error) {
    return [warningOf(error)];
  }
}

/** The type with the most bytes. */
function commonType(tensors: ReadonlyMap<string, StoredTensor>): string {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of tensors.values())
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  const [most] = [...bytes].sort(([, a], [, b]) => b - a);
  return most ? most[0] : "none";
}

/**
 * Prints the graphs that a task runs. If a graph has several forms, also prints when each form is chosen.
 * @throws {UsageError} `usage/unknown-task`
 * @throws {ModelError} `model/wrong-task`
 */
export async function printTask(
  platform: Platform<never>,
  source: string,
  task: string,
  options: ModelOptions = {},
): Promise<string> {
  const chosen = networkTaskOf(task);
  const valid = runnableTasks;
  if (chosen === undefined) throw unknownTask("graph", task, valid);
  checkModelOptions(options);
  const opened = await openSource(platform, source, [chosen], options);
  expectTask(opened, chosen);
  const { config } = await configOf(opened, verbDefaults(options), chosen);
  options.signal?.throwIfAborted();
  const { passes } = typesOf(
    chooseDType(opened, options.dtype),
    withTiedHead(opened.tensors),
    opened.quantized,
  );
  return specOf(chosen)
    .graphs({ config, architecture: opened.architecture })
    .map(({ graph, form }) => {
      const when =
        form === undefined ? "" : `# ${form}: ${whenChosen(config, form, imageTokens(config.vision))}\n`;
      return when + printGraph(optimize(graph, passes));
    })
    .join("\n");
}
