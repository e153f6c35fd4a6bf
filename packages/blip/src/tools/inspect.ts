// The verb `inspect`: what a checkpoint is, before any of its weights is read.
import { optimize, printGraph } from "@blip-ts/graph";
import type { IgnoredTensor } from "../weights/intended-gaps.ts";
import type { StoredTensor } from "@blip-ts/checkpoint";
import { withTiedHead } from "../weights/tied-head.ts";
import { UsageError, type Warning } from "@blip-ts/base";
import { imageTokens, type BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { knownFaults } from "./known-faults.ts";
import { configOf } from "../load/load-model.ts";
import { networkTaskOf, runnableTasks, specOf } from "../tasks/index.ts";
import { whenChosen } from "../run/cross-attention-form.ts";
import { chooseDType, typesOf } from "../load/weight-dtype.ts";
import { checkModelOptions, type ModelOptions } from "../load/model-options.ts";
import { expectTask, openSource } from "../load/open-model.ts";

export interface Inspection {
  /** `safetensors`, `torch-zip` or `torch-legacy`. */
  readonly format: string;
  /** Whose names the tensors carry: `original` or `huggingface`. */
  readonly dialect: string;
  readonly architecture: {
    readonly vision?: object;
    readonly text?: object;
    readonly jointEmbedding?: number;
  };
  /** Type of the weights: `float32`, `float16`, ..., or `int8` where matrices are of 8 bits. */
  readonly weights: string;
  /** Numbers that the networks hold, training's leftovers not counted. */
  readonly parameters: number;
  readonly tasks: readonly string[];
  /** Heads that the architecture could have and the file lacks. */
  readonly missing: readonly string[];
  readonly warnings: readonly Warning[];
  /** Tensors that are left out by declaration, with the reason. */
  readonly ignored: readonly IgnoredTensor[];
}

async function open(platform: Platform<never>, source: string, options: ModelOptions) {
  checkModelOptions(options);
  return openSource(platform, source, options);
}

/** The contract's verbs follow BLIP's own conventions unless told. */
const verbDefaults = (options: ModelOptions): ModelOptions => ({
  ...options,
  compat: options.compat ?? "blip",
});

/**
 * What a model's files hold.
 * @throws {ModelError} where the model cannot be found or read
 */
export async function inspect(
  platform: Platform<never>,
  source: string,
  options: ModelOptions = {},
): Promise<Inspection> {
  const opened = await open(platform, source, options);
  const { architecture, tensors, tasks } = opened;
  const warnings: Warning[] = [];
  let config: BlipConfig | undefined;
  try {
    const read = architecture.vision && architecture.text && (await configOf(opened, verbDefaults(options)));
    config = read?.config;
    warnings.push(...(read?.warnings ?? []));
    if (read) warnings.push(...(await knownFaults(opened, read.json, () => platform.bundledVocabulary())));
  } catch (error) {
    // A config that cannot be used is a finding here, not a failure: the rest of the file can still be told.
    warnings.push({
      code: (error as { code?: string }).code ?? "unknown",
      message: (error as Error).message,
    });
  }
  options.signal?.throwIfAborted();
  let parameters = 0;
  for (const { dtype, shape } of tensors.values())
    if (dtype.includes("float") || dtype === "int8")
      parameters += shape.reduce((product, size) => product * size, 1);
  return {
    format: opened.format,
    dialect: opened.dialect,
    architecture: {
      ...(architecture.vision && { vision: { ...architecture.vision, ...config?.vision } }),
      ...(architecture.text && { text: { ...architecture.text, ...config?.text } }),
      ...(architecture.jointEmbedding !== undefined && { jointEmbedding: architecture.jointEmbedding }),
    },
    weights: opened.quantized.size > 0 ? "int8" : commonType(tensors),
    parameters,
    tasks: tasks.tasks,
    missing: [...new Set([...tasks.missing.values()].flat())],
    warnings,
    ignored: opened.ignored,
  };
}

/** The type of most numbers. */
function commonType(tensors: ReadonlyMap<string, StoredTensor>): string {
  const bytes = new Map<string, number>();
  for (const { dtype, byteLength } of tensors.values())
    bytes.set(dtype, (bytes.get(dtype) ?? 0) + byteLength);
  return [...bytes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "none";
}

/**
 * The graphs of a task as they are run, printed; where there are several forms of one, with when each is chosen.
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
  if (chosen === undefined)
    throw new UsageError("usage/unknown-task", `--graph: expected ${valid.join(", ")}, found ${task}`, {
      task,
      valid,
    });
  const opened = await open(platform, source, options);
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
