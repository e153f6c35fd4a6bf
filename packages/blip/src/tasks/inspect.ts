// The verb `inspect`: what a checkpoint is, before any of its weights is read.
import { optimize, printGraph, type Graph } from "@blip-ts/graph";
import type { IgnoredTensor } from "../checkpoint/intended-gaps.ts";
import { UsageError } from "../errors.ts";
import { imageGraph, matchGraph, textGraph } from "../model/matching.ts";
import type { BlipConfig } from "../model/config.ts";
import type { Platform, Warning } from "../platform.ts";
import { checkModelOptions, type ModelOptions } from "./load-retrieval.ts";
import { expectTask, openModel, readJson } from "./open-model.ts";
import { readConfig } from "./read-config.ts";

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
  /** Numbers that the networks hold, training's leftovers not counted. */
  readonly parameters: number;
  readonly tasks: readonly string[];
  /** Heads that the architecture could have and the file lacks. */
  readonly missing: readonly string[];
  readonly warnings: readonly Warning[];
  /** Tensors that are left out by declaration, with the reason. */
  readonly ignored: readonly IgnoredTensor[];
}

type Network = { readonly config: BlipConfig; readonly warnings: readonly Warning[] };

async function open(platform: Platform<never>, source: string, options: ModelOptions) {
  checkModelOptions(options);
  const opened = await openModel(await platform.openModel(source, options));
  const { vision, text, jointEmbedding } = opened.architecture;
  const json = await readJson(opened.files, "config.json");
  const name = json === undefined ? opened.files.name : `${opened.files.name}/config.json`;
  const network = (): Network | undefined =>
    vision && text
      ? readConfig(name, { vision, text, jointEmbedding }, json, {
          compat: options.compat ?? "blip",
          textHeads: options.textHeads,
        })
      : undefined;
  return { opened, network };
}

/**
 * What a model's files hold.
 * @throws {ModelError} where the model cannot be found or read
 */
export async function inspect(
  platform: Platform<never>,
  source: string,
  options: ModelOptions = {},
): Promise<Inspection> {
  const { opened, network } = await open(platform, source, options);
  const { architecture, tensors, tasks } = opened;
  const warnings: Warning[] = [];
  let config: BlipConfig | undefined;
  try {
    const read = network();
    config = read?.config;
    warnings.push(...(read?.warnings ?? []));
  } catch (error) {
    // A config that cannot be used is a finding here, not a failure: the rest of the file can still be told.
    warnings.push({
      code: (error as { code?: string }).code ?? "unknown",
      message: (error as Error).message,
    });
  }
  let parameters = 0;
  for (const { dtype, shape } of tensors.values())
    if (dtype.includes("float")) parameters += shape.reduce((product, size) => product * size, 1);
  return {
    format: opened.format,
    dialect: opened.dialect,
    architecture: {
      ...(architecture.vision && { vision: { ...architecture.vision, ...config?.vision } }),
      ...(architecture.text && { text: { ...architecture.text, ...config?.text } }),
      ...(architecture.jointEmbedding !== undefined && { jointEmbedding: architecture.jointEmbedding }),
    },
    parameters,
    tasks: tasks.tasks,
    missing: [...new Set([...tasks.missing.values()].flat())],
    warnings,
    ignored: opened.ignored,
  };
}

/**
 * The graphs of a task as they are run, printed.
 * @throws {UsageError} `usage/unknown-task`
 * @throws {ModelError} `model/wrong-task`
 */
export async function printTask(
  platform: Platform<never>,
  source: string,
  task: string,
  options: ModelOptions = {},
): Promise<string> {
  if (task !== "match")
    throw new UsageError("usage/unknown-task", `--graph: expected match, found ${task}`, {
      task,
      valid: ["match"],
    });
  const { opened, network } = await open(platform, source, options);
  expectTask(opened, "match");
  const config = network()?.config;
  if (!config) throw new Error(`${source} can match, so that it has a configuration`);
  const graphs: readonly Graph[] = [imageGraph(config), textGraph(config), matchGraph(config)];
  return graphs.map((graph) => printGraph(optimize(graph))).join("\n");
}
