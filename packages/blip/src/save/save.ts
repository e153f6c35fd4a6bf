// A model as a folder that transformers loads: Hugging Face's names, config, preprocessor and tokenizer files.
import { closing, must, unlessAborted, untilAborted, UsageError } from "@blip-ts/base";
import { safetensorsBytes, sameTensor, type StoredTensor, type WritableTensors } from "@blip-ts/checkpoint";
import { specOf } from "../tasks/index.ts";
import type { NetworkTask, SavedClass } from "../tasks/task.ts";
import { readJson, type OpenedModel } from "../load/open-model.ts";
import {
  type Saved,
  configJson,
  preprocessorJson,
  tokenizerConfig,
  jsonText,
  type Json,
} from "./hf-config.ts";

/** Weights of another type than the file's: what becomes of its tensors, and what is said of it. */
export interface ConvertedWeights {
  tensors(originals: ReadonlyMap<string, StoredTensor>): WritableTensors;
  /** Replaces fields of config.json. */
  readonly config: Json;
  readonly metadata: Readonly<Record<string, string>>;
}

const alreadyQuantized = (name: string): UsageError =>
  new UsageError(
    "save/quantized",
    `${name} holds 8-bit weights, which can be run but not written in another form: give the original model`,
    { name },
  );

interface SaveOptions {
  readonly convertTo?: ConvertedWeights | undefined;
  /** Stops the writing: no folder is left. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes config.json, model.safetensors, preprocessor_config.json and the tokenizer's files.
 * @param task which class the folder is to be of
 * @throws {UsageError} `save/exists`, `save/cannot-write`
 */
export async function savePretrained(
  saved: Saved,
  task: NetworkTask,
  folder: string,
  { convertTo, signal }: SaveOptions = {},
): Promise<void> {
  const { opened, platform } = saved;
  if (opened.quantized.size > 0) throw alreadyQuantized(opened.files.name);
  const kind = specOf(task).saved(opened.architecture);
  const { tensors, tied } = await unlessAborted(tensorsOf(opened, kind), signal);
  const written = convertTo?.tensors(tensors) ?? tensors;
  const files: Record<string, object> = {
    "config.json": { ...configJson(saved, kind, tied, tensors), ...convertTo?.config },
    "preprocessor_config.json": await preprocessorJson(saved),
    "tokenizer_config.json": tokenizerConfig(saved.config),
    "tokenizer.json":
      ((await readJson(opened.files, "tokenizer.json")) as object | undefined) ?? saved.tokenizer.toJson(),
  };
  const vocabulary = (await opened.files.read("vocab.txt")) ?? saved.tokenizer.toVocabulary();
  signal?.throwIfAborted();
  await closing(await platform.createFolder(folder), async (writer) => {
    for (const [name, json] of Object.entries(files)) await writer.write(name, jsonText(json));
    await writer.write("vocab.txt", vocabulary);
    const bytes = safetensorsBytes(written, convertTo?.metadata);
    await writer.write("model.safetensors", untilAborted(bytes, signal));
    signal?.throwIfAborted();
    await writer.commit();
  });
}

const words = "text_decoder.bert.embeddings.word_embeddings.weight";
const matrix = "text_decoder.cls.predictions.decoder.weight";
const bias = "text_decoder.cls.predictions.bias";
const secondBias = "text_decoder.cls.predictions.decoder.bias";

/** The class's tensors; those that are tied only once, as transformers 5 saves them. */
async function tensorsOf({ tensors }: OpenedModel, { modules }: SavedClass) {
  const kept = new Map([...tensors].filter(([name]) => modules.includes(must(name.split(".", 1), 0))));
  const [own, embeddings] = [kept.get(matrix), kept.get(words)];
  const tied = !own || !embeddings || (await sameTensor(own, embeddings));
  if (tied) kept.delete(matrix);
  const second = kept.get(secondBias);
  if (second && !kept.has(bias)) kept.set(bias, second);
  if (tied) kept.delete(secondBias);
  return { tensors: kept, tied };
}
