// Writes the result of a run as a model: a Hugging Face folder for match, caption and VQA; original names for NLVR2 and
// pre-training, for which transformers has no class. The learned temperature of match and pre-training is a tensor with
// the original's name, `temp`, which transformers ignores.
import { closing } from "@blip-ts/base";
import {
  floatsOf,
  readTensorBytes,
  type MadeTensor,
  type StoredTensor,
  type WritableTensors,
} from "@blip-ts/checkpoint";
import { sizeOf } from "@blip-ts/graph";
import { openedFrom } from "../../load/open-model.ts";
import { savedFiles, writeFiles, type SavedFiles } from "../../save/save.ts";
import { toOriginalName } from "../../weights/names.ts";
import type { TrainingTask } from "../data/batch.ts";
import type { BaseModel } from "./begin.ts";
import { networkTaskOf, type DataObjective } from "./tasks.ts";

type Weights = ReadonlyMap<string, StoredTensor | MadeTensor>;

/**
 * The weights of a result: trained and other weights; tied weights appear under both names.
 * @param network the objective of the task's whole network, which names all weights of the result
 */
export function resultWeights(
  network: DataObjective,
  trained: ReadonlyMap<string, MadeTensor>,
  others: ReadonlyMap<string, StoredTensor>,
): Weights {
  const { graph, ties = {}, momentum = {} } = network.graph;
  const all = new Map<string, StoredTensor | MadeTensor>();
  for (const { name } of graph.weights) {
    if (Object.hasOwn(momentum, name) || network.isThrownAway(name)) continue;
    const source = ties[name] ?? name;
    const tensor = trained.get(source) ?? others.get(source);
    if (tensor) all.set(name, tensor);
  }
  return all;
}

/** Describes a tensor that has not been written yet. */
const placeholder = (name: string, { shape }: Pick<MadeTensor, "shape">): StoredTensor => ({
  ...{ name, dtype: "float32", shape, offset: 0, byteLength: sizeOf(shape) * 4 },
  source: {
    name,
    size: sizeOf(shape) * 4,
    read: () => Promise.reject(new Error(`${name} is not written yet`)),
  },
});

/**
 * Matches the LM head's matrix. Hugging Face files store its values once, as the word embeddings; files with original
 * names store them twice.
 */
const isHeadMatrix = (name: string) => name === "text_decoder.cls.predictions.decoder.weight";

/** Converts frozen half-precision weights to float32, with which the run computed. */
function asFloat32(tensor: StoredTensor | MadeTensor): StoredTensor | MadeTensor {
  if (tensor.dtype === "float32" || "bytes" in tensor) return tensor;
  return {
    ...{ dtype: "float32", shape: tensor.shape, byteLength: sizeOf(tensor.shape) * 4 },
    async *bytes() {
      const floats = floatsOf(await readTensorBytes(tensor), tensor);
      yield new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
    },
  };
}

const originalOf = (weights: Weights): WritableTensors =>
  new Map([...weights].map(([name, tensor]) => [toOriginalName(name), asFloat32(tensor)]));

/** The files of a result: config.json, tokenizer, image settings and weights. Reads no weights yet. */
export async function resultFiles(
  base: BaseModel,
  task: TrainingTask,
  weights: Weights,
): Promise<SavedFiles> {
  const named = new Map([...weights].filter(([name]) => !isHeadMatrix(name)));
  const tensors = new Map([...named].map(([name, tensor]) => [name, placeholder(name, tensor)]));
  const files = base.opened.files;
  const opened = openedFrom(files, { format: "safetensors", tensors, metadata: {} });
  const written = (originals: ReadonlyMap<string, StoredTensor>): WritableTensors =>
    new Map(
      [...originals.keys()].flatMap((name) => {
        const tensor = named.get(name);
        return tensor ? [[name, asFloat32(tensor)] as const] : [];
      }),
    );
  const convertTo = { tensors: written, config: {}, metadata: {} };
  const made = await savedFiles({ ...base, opened }, networkTaskOf[task], { convertTo });
  const original = task === "nlvr" || task === "pretrain";
  if (original) return { ...made, weights: originalOf(weights) };
  const temperature = named.get("temp");
  if (!temperature) return made;
  return { ...made, weights: new Map([...made.weights, ["temp", asFloat32(temperature)] as const]) };
}

/**
 * Writes a result as a new folder.
 * @throws {UsageError} `save/exists`, `save/cannot-write` @throws the signal's reason
 */
export async function saveResult(
  base: BaseModel,
  task: TrainingTask,
  weights: Weights,
  folder: string,
): Promise<void> {
  const files = await resultFiles(base, task, weights);
  await closing(await base.platform.createFolder(folder), async (writer) => {
    await writeFiles(writer, files, undefined);
    await writer.commit();
  });
}
