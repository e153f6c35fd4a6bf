// The starting point of a run: the model's sizes, its tokenizer, and all weights of the objective's graph.
import { type Warning, unlessAborted } from "@blip-ts/base";
import { memorySource, readTensorBytes, floatsOf, type StoredTensor } from "@blip-ts/checkpoint";
import { evaluate, floatTensor, GraphBuilder, type Tensor } from "@blip-ts/graph";
import { configOf } from "../../load/load-model.ts";
import { openSource } from "../../load/open-suite.ts";
import { readTokenizer, type OpenedModel } from "../../load/open-model.ts";
import { specialTokens } from "../../load/special-tokens.ts";
import { imageTokens, type BlipConfig } from "../../model/config.ts";
import { interpolatePositions } from "../../model/interpolate-positions.ts";
import type { Platform } from "../../platform.ts";
import type { Saved } from "../../save/hf-config.ts";
import { expectUnquantized } from "../../save/save.ts";
import type { NetworkTask } from "../../tasks/task.ts";
import { withTiedHead } from "../../weights/tied-head.ts";
import type { TrainingGraph } from "../objective.ts";
import { initialWeights } from "../objectives/init.ts";
import { firstTemperature } from "../objectives/temperature.ts";
import type { SpecialTokens } from "../objectives/token-rows.ts";
import { badTrainOption } from "../recipes/index.ts";
import type { Settings } from "./settings.ts";
import { noEncoders } from "./errors.ts";

export interface BaseModel extends Saved {
  readonly opened: OpenedModel;
  readonly config: BlipConfig;
  readonly tokens: SpecialTokens;
  /** The model's weights, by their names in graphs, with those that only training uses. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly warnings: readonly Warning[];
}

const positions = "vision_model.embeddings.position_embedding";
const momentumPositions = "vision_model_m.embeddings.position_embedding";

export function stored(name: string, { dims, data }: Tensor<"float32">): StoredTensor {
  const { buffer, byteOffset, byteLength } = data;
  const source = memorySource(name, new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
  return { name, dtype: "float32", shape: dims, source, offset: 0, byteLength };
}

/** Interpolates position embeddings to another image size, as models/vit.py `interpolate_pos_embed` does on load. */
async function resized(
  name: string,
  tensor: StoredTensor,
  vision: BlipConfig["vision"],
  imageSize: number,
): Promise<StoredTensor> {
  const b = GraphBuilder.create("positions");
  const dims = [1, imageTokens(vision), vision.hiddenSize];
  const side = Math.floor(imageSize / vision.patchSize);
  const own = Math.floor(vision.imageSize / vision.patchSize);
  b.output("table", interpolatePositions(b, b.weight("table", dims), own, side, side));
  const table = floatTensor(dims, floatsOf(await readTensorBytes(tensor), tensor));
  const { table: made } = evaluate(b.build(), {}, () => table);
  if (!made) throw new Error("the graph of positions has one output");
  return stored(name, made);
}

/** NLVR2's merge layers begin at the middle layer (models/nlvr_encoder.py). */
const withMerge = (config: BlipConfig): BlipConfig => {
  const { layers, firstMergeLayer = Math.floor(layers / 2) } = config.text;
  return { ...config, text: { ...config.text, firstMergeLayer } };
};

/**
 * Opens the initial model of a run.
 * @throws {ModelError} if the model cannot be found or read @throws {UsageError} `usage/bad-option`, `save/quantized`
 */
export async function openBase(
  platform: Platform<never>,
  settings: Settings,
  needed: NetworkTask,
  signal: AbortSignal | undefined,
): Promise<BaseModel> {
  const { model, task, imageSize } = settings;
  const opened = await openSource(platform, model, [needed], { signal });
  expectUnquantized(opened);
  const { vision, text } = opened.architecture;
  if (!vision || !text) throw noEncoders(model);
  // The result is validated and run with BLIP's conventions, so it is trained with them: LayerNorm's epsilon.
  const read = await unlessAborted(configOf(opened, { compat: "blip" }), signal);
  const tokenizer = await unlessAborted(
    readTokenizer(opened.files, read.config.text.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  const { dec, enc, pad } = specialTokens(opened.files.name, tokenizer, read.json, read.config, {
    dec: true,
    enc: true,
  });
  let config = task === "nlvr" ? withMerge(read.config) : read.config;
  const tensors = new Map([...withTiedHead(opened.tensors), ...opened.leftovers]);
  if (imageSize !== null && imageSize !== config.vision.imageSize) {
    if (imageSize % config.vision.patchSize !== 0)
      throw badTrainOption("imageSize", `a multiple of the patch's ${config.vision.patchSize}`, imageSize);
    const shape = [1, imageTokens(config.vision), config.vision.hiddenSize];
    for (const name of [positions, momentumPositions]) {
      const table = tensors.get(name);
      if (fits(table, shape)) tensors.set(name, await resized(name, table, config.vision, imageSize));
    }
    config = { ...config, vision: { ...config.vision, imageSize } };
  }
  const tokens = { padding: pad, decoder: dec, encoder: enc ?? dec + 1 };
  return { ...read, platform, opened, config, tokenizer, tokens, tensors };
}

/**
 * The weight to copy for a weight that the model lacks. NLVR2's doubled attention begins as copies of the single
 * attention (models/blip_nlvr.py). The decoder begins as the encoder and vice versa; pre-training ties them except for
 * self-attention.
 */
export function donorOf(name: string): string | undefined {
  const single = name
    .replace(/\.crossattention\.self[01]\./, ".crossattention.self.")
    .replace(/\.crossattention\.output\.dense[01]\./, ".crossattention.output.dense.");
  if (single !== name) return single;
  if (name.startsWith("text_decoder.bert.")) return name.replace("text_decoder.bert.", "text_encoder.");
  if (name.startsWith("text_encoder.")) return name.replace("text_encoder.", "text_decoder.bert.");
  return undefined;
}

export interface BegunWeights {
  readonly weights: ReadonlyMap<string, StoredTensor>;
  /** The names of weights that the model lacks: `NAME` if random, `NAME (as OTHER)` if copied, `temp (0.07)`. */
  readonly begun: readonly string[];
}

const fits = (tensor: StoredTensor | undefined, shape: readonly number[]): tensor is StoredTensor =>
  tensor?.shape.length === shape.length && tensor.shape.every((size, axis) => size === shape[axis]);

type Named = ReadonlyMap<string, StoredTensor>;

/** A model's weights without those of momentum encoders, which then begin as copies. */
export const withoutMomentum = (tensors: Named, { momentum = {} }: TrainingGraph): Named =>
  new Map([...tensors].filter(([name]) => !Object.hasOwn(momentum, name)));

/**
 * The model's own momentum encoders, as models/blip.py `load_checkpoint` reads them after `copy_params`. Empty if a
 * weight is missing: momentum encoders then begin as copies.
 */
function ownMomentum({ graph, momentum = {} }: TrainingGraph, tensors: Named): Named {
  const own = new Map<string, StoredTensor>();
  for (const { name, shape } of graph.weights) {
    if (!Object.hasOwn(momentum, name)) continue;
    const tensor = tensors.get(name);
    if (!fits(tensor, shape)) return new Map();
    own.set(name, tensor);
  }
  return own;
}

const newName = (name: string): string => (name === "temp" ? `${name} (${firstTemperature})` : name);

/** All weights that the trainer needs: from the model, from a donor, or new. Momentum encoders only if they are own. */
export function weightsToBegin(
  training: TrainingGraph,
  tensors: Named,
  { init, seed }: Pick<Settings, "init" | "seed">,
): BegunWeights {
  const { graph, ties = {}, momentum = {} } = training;
  const weights = new Map(init ? [] : ownMomentum(training, tensors));
  const begun: string[] = [];
  const missing = new Set<string>();
  for (const { name, shape } of graph.weights) {
    if (Object.hasOwn(momentum, name) || Object.hasOwn(ties, name)) continue;
    const donor = donorOf(name);
    // If the donor is also missing, try the donor's own donor in the other stack.
    const second = donor === undefined ? undefined : donorOf(donor);
    const sources = init ? [] : [name, donor, second];
    const source = sources.find(
      (candidate) => candidate !== undefined && fits(tensors.get(candidate), shape),
    );
    const tensor = source === undefined ? undefined : tensors.get(source);
    if (tensor) weights.set(name, tensor);
    else missing.add(name);
    if (source !== name) begun.push(source === undefined ? newName(name) : `${name} (as ${source})`);
  }
  const matrices = new Set([...missing].map((name) => name.replace(/bias$/, "weight")));
  const made = initialWeights(
    graph.weights.filter(({ name }) => missing.has(name) || matrices.has(name)),
    seed,
  );
  for (const name of missing) {
    const tensor = made.get(name);
    if (tensor) weights.set(name, stored(name, tensor));
  }
  return { weights, begun };
}
