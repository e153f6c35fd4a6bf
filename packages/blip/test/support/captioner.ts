// The tiny captioner of fixtures/train/captioner.*, which oracle/train/step_goldens.py trained with PyTorch.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { memorySource, readSafetensors, readTensorBytes, type StoredTensor } from "@blip-ts/checkpoint";
import { floatTensor, int64Tensor, type Tensor } from "@blip-ts/graph";
import type { BlipConfig } from "../../src/model/config.ts";
import { languageModelGraph, languageModelTies } from "../../src/model/language-model.ts";
import type { Objective } from "../../src/train/objective.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../fixtures/train/${name}`, import.meta.url));

interface Facts {
  readonly sizes: Readonly<Record<string, number>>;
  readonly width: number;
  readonly batches: number;
  readonly settings: {
    readonly lr: number;
    readonly decay: number;
    readonly clip: number;
    readonly smoothing: number;
    readonly momentum: number;
  };
  readonly losses: readonly number[];
  readonly norms: readonly number[];
}

/** A batch: rows of tokens, and the states that their cross-attention reads. */
export interface Captions {
  readonly ids: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
  readonly counted: readonly (readonly number[])[];
  readonly states: readonly Float32Array[];
}

const prefix = "text_decoder.";
/** Maps a weight's name in transformers' decoder class to its name in this package's graphs. */
export const modelName = (name: string) => `${prefix}${name}`;

const counted = ({ counted: rows }: Captions) => rows.flat().reduce((sum, one) => sum + one, 0);

function feeds(batch: Captions, width: number): Record<string, Tensor> {
  const [B, T] = [batch.ids.length, batch.ids[0]?.length ?? 0];
  const rows = (list: readonly (readonly number[])[]) => int64Tensor([B, T], list.flat());
  const total = counted(batch);
  return {
    input_ids: rows(batch.ids),
    position_ids: rows(batch.ids.map((row) => row.map((_, index) => index))),
    key_positions: rows(batch.mask.map((row) => row.map((one, index) => (one === 1 ? index : T)))),
    encoder_hidden_states: floatTensor(
      [B, batch.states.length === 0 ? 0 : (batch.states[0]?.length ?? 0) / width, width],
      Float32Array.from(batch.states.flatMap((row) => [...row])),
    ),
    labels: rows(batch.labels),
    label_weights: floatTensor(
      [B, T],
      batch.counted.flat().map((one) => one / total),
    ),
  };
}

export interface Captioner {
  readonly facts: Facts;
  readonly objective: Objective<Captions>;
  /** The initial weights. */
  readonly weights: ReadonlyMap<string, StoredTensor>;
  readonly batches: readonly Captions[];
  /** The oracle's results: `step 1`, `step 10`, `gradient`, `follower`, by the model's weight names. */
  golden(what: string): Promise<Map<string, Float32Array>>;
}

export async function captioner(momentum = false): Promise<Captioner> {
  const facts = JSON.parse(await readFile(fixture("captioner.json"), "utf8")) as Facts;
  const bytes = await readFile(fixture("captioner.safetensors"));
  const { tensors } = await readSafetensors(memorySource("captioner.safetensors", new Uint8Array(bytes)));
  const read = async (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${name} is not in the fixture`);
    return { tensor, bytes: (await readTensorBytes(tensor)).slice() };
  };
  const weights = new Map<string, StoredTensor>();
  for (const [name, tensor] of tensors)
    if (name.startsWith("begin ")) weights.set(modelName(name.slice(6)), { ...tensor, name });
  const { width, sizes } = facts;
  const size = (name: string) => sizes[name] ?? NaN;
  const rowsOf = async (name: string) => {
    const { tensor, bytes: data } = await read(name);
    const numbers = [...new BigInt64Array(data.buffer)].map(Number);
    const columns = tensor.shape[1] ?? 1;
    return Array.from({ length: tensor.shape[0] ?? 0 }, (_, row) =>
      numbers.slice(row * columns, (row + 1) * columns),
    );
  };
  const batches: Captions[] = [];
  for (let index = 0; index < facts.batches; index++) {
    const at = `batch ${index}`;
    const { tensor, bytes: data } = await read(`${at} states`);
    const states = new Float32Array(data.buffer);
    const each = states.length / (tensor.shape[0] ?? 1);
    batches.push({
      ids: await rowsOf(`${at} input_ids`),
      labels: await rowsOf(`${at} labels`),
      mask: await rowsOf(`${at} mask`),
      counted: await rowsOf(`${at} counted`),
      states: Array.from({ length: tensor.shape[0] ?? 0 }, (_, row) =>
        states.slice(row * each, (row + 1) * each),
      ),
    });
  }
  const config: BlipConfig = {
    vision: {
      hiddenSize: width,
      layers: 0,
      heads: 1,
      intermediateSize: 1,
      imageSize: 1,
      patchSize: 1,
      layerNormEps: 1e-5,
    },
    text: {
      hiddenSize: size("hidden_size"),
      layers: size("num_hidden_layers"),
      heads: size("num_attention_heads"),
      intermediateSize: size("intermediate_size"),
      vocabSize: size("vocab_size"),
      maxPositions: size("max_position_embeddings"),
      layerNormEps: 1e-12,
    },
    jointEmbedding: 1,
  };
  const graph = languageModelGraph(config, { width, smoothing: facts.settings.smoothing });
  return {
    facts,
    weights,
    batches,
    objective: {
      name: "caption",
      graph: {
        graph,
        loss: "loss",
        ties: languageModelTies,
        ...(momentum && {
          momentum: Object.fromEntries([...weights.keys()].map((name) => [`momentum.${name}`, name])),
        }),
      },
      inputs: (batch) => feeds(batch, width),
      weight: counted,
    },
    async golden(what) {
      const found = new Map<string, Float32Array>();
      for (const name of tensors.keys())
        if (name.startsWith(`${what} `))
          found.set(
            modelName(name.slice(what.length + 1)),
            new Float32Array((await read(name)).bytes.buffer),
          );
      return found;
    },
  };
}

/** A range of a batch's rows. */
export const rowsOfBatch = (batch: Captions, start: number, end: number): Captions => ({
  ids: batch.ids.slice(start, end),
  labels: batch.labels.slice(start, end),
  mask: batch.mask.slice(start, end),
  counted: batch.counted.slice(start, end),
  states: batch.states.slice(start, end),
});
