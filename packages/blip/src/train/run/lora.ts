// The initial weights and the result folder of a run that trains an adapter.
import { closing } from "@blip-ts/base";
import {
  readSafetensors,
  safetensorsBytes,
  safetensorsSource,
  type MadeTensor,
  type StoredTensor,
} from "@blip-ts/checkpoint";
import { adapterTensors, configText, matricesOf, mergedTensors, scaleOf } from "../../adapter/index.ts";
import { adapterFiles } from "../../files.ts";
import { specOf } from "../../tasks/index.ts";
import { incompleteBase, withLora, type LoraObjective, type LoraSettings } from "../lora/index.ts";
import { initialWeights } from "../objectives/init.ts";
import type { TrainingBatch } from "../data/batch.ts";
import { stored, weightsToBegin, withoutMomentum, type BaseModel, type BegunWeights } from "./begin.ts";
import type { Settings } from "./settings.ts";
import { networkTaskOf, type DataObjective } from "./tasks.ts";

export type BegunLora = LoraObjective<TrainingBatch> & BegunWeights;

/** The ties that hold for the model's own weights. In some fine-tuned models, the LM head is a separate matrix. */
function ownTies(
  tensors: ReadonlyMap<string, StoredTensor>,
  ties: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ties).filter(([alias, of]) => {
      const [own, other] = [tensors.get(alias), tensors.get(of)];
      return !own || (own.source === other?.source && own.offset === other.offset);
    }),
  );
}

/**
 * Adds low-rank updates to the objective, and collects all initial weights: the model's own weights, which stay frozen,
 * and the adapter's weights, which are initialised as in PEFT.
 * @throws {UsageError} `train/lora-target`, `train/lora-module`, `train/lora-base`
 */
export function beginLora(
  whole: DataObjective,
  { tensors }: BaseModel,
  settings: Settings,
  lora: LoraSettings,
): BegunLora {
  const ties = ownTies(tensors, whole.graph.ties ?? {});
  const made = withLora(whole, lora, ties);
  // Momentum encoders share the model's own weights, which stay frozen.
  const own = withoutMomentum(tensors, whole.graph);
  const { weights, begun } = weightsToBegin({ ...whole.graph, ties }, own, settings);
  const saved = new Set(made.parts.saved);
  const lacking = begun
    .map((name) => name.replace(/ \(.*/, ""))
    // No verb uses the temperature, so an adapter needs none.
    .filter((name) => name !== "temp" && !saved.has(name));
  if (lacking.length > 0) throw incompleteBase(settings.model, settings.task, lacking);
  const matrices = [...initialWeights(made.parts.matrices, settings.seed)].map(
    ([name, tensor]) => [name, stored(name, tensor)] as const,
  );
  return { ...made, weights: new Map([...weights, ...matrices]), begun };
}

/**
 * Writes the adapter as a new folder, in PEFT's format.
 * @param trained all parameters of the run, including followers
 * @throws {UsageError} `save/exists`, `save/cannot-write`
 */
export async function saveLora(
  { platform, opened }: BaseModel,
  { task, model, lora }: Settings,
  { parts }: BegunLora,
  trained: ReadonlyMap<string, MadeTensor>,
  folder: string,
): Promise<void> {
  if (!lora) throw new Error("a run without lora has no adapter");
  const own = new Set([...parts.matrices.map(({ name }) => name), ...parts.saved]);
  const tensors = adapterTensors(new Map([...trained].filter(([name]) => own.has(name))));
  // transformers has no class for NLVR2.
  const architecture =
    task === "nlvr" ? undefined : specOf(networkTaskOf[task]).saved(opened.architecture).architecture;
  await closing(await platform.createFolder(folder), async (writer) => {
    await writer.write(adapterFiles.config, configText({ ...lora, base: model, architecture }));
    await writer.write(adapterFiles.weights, safetensorsBytes(tensors));
    await writer.commit();
  });
}

/**
 * The weights of a model with the current adapter merged: each update is added to its matrix.
 * @param trained all parameters of the run
 * @param weights the result's weights, including the adapter's own
 */
export async function withUpdates(
  { model, lora }: Settings,
  { parts, weights: base }: BegunLora,
  trained: ReadonlyMap<string, MadeTensor>,
  weights: ReadonlyMap<string, StoredTensor | MadeTensor>,
): Promise<Map<string, StoredTensor | MadeTensor>> {
  if (!lora) throw new Error("a run without lora has no adapter");
  const name = "the adapter in training";
  const names = new Set(parts.matrices.map((matrix) => matrix.name));
  const own = new Map([...trained].filter(([weight]) => names.has(weight)));
  const { tensors } = await readSafetensors(safetensorsSource(name, own));
  const matrix = (weight: string): StoredTensor => {
    const tensor = tensors.get(weight);
    if (!tensor) throw new Error(`${weight} is no parameter of the run`);
    return tensor;
  };
  const scale = scaleOf(lora.alpha, lora.rank, lora.rslora);
  const updates = new Map(
    parts.modules.map((module) => {
      const { down, up } = matricesOf(module);
      return [module, { down: matrix(down), up: matrix(up), scale }];
    }),
  );
  const sums = mergedTensors(model, base, { name, sha256: "", updates, replaced: new Map() });
  return new Map([...[...weights].filter(([weight]) => !names.has(weight)), ...sums]);
}
