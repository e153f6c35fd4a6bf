// Saves a model as a folder that transformers can load: Hugging Face's names, config, preprocessor and tokenizer files.
import { closing, must, unlessAborted, untilAborted } from "@blip-ts/base";
import { safetensorsBytes, sameTensor, type StoredTensor, type WritableTensors } from "@blip-ts/checkpoint";
import type { FolderWriter } from "../files.ts";
import { specOf } from "../tasks/index.ts";
import type { NetworkTask, SavedClass } from "../tasks/task.ts";
import type { OpenedModel } from "../load/open-model.ts";
import {
  type Saved,
  configJson,
  generationJson,
  preprocessorJson,
  tokenizerConfig,
  tokenizerFileJson,
  jsonText,
  type Json,
} from "./hf-config.ts";
import { alreadyQuantized } from "./errors.ts";

/** A conversion to another type: of the tensors, and of their description. */
export interface ConvertedWeights {
  tensors(originals: ReadonlyMap<string, StoredTensor>): WritableTensors;
  /** Replaces fields of config.json. */
  readonly config: Json;
  readonly metadata: Readonly<Record<string, string>>;
}

interface SaveOptions {
  readonly convertTo?: ConvertedWeights | undefined;
  /** Cancels the save, without leaving a folder. */
  readonly signal?: AbortSignal | undefined;
}

/** Checks that a model has floating-point weights. @throws {UsageError} `save/quantized` */
export function expectUnquantized({ files, quantized }: OpenedModel): void {
  if (quantized.size > 0) throw alreadyQuantized(files.name);
}

/**
 * Writes config.json, model.safetensors, preprocessor_config.json, the tokenizer's files, and generation_config.json if
 * the model has one.
 * @param task determines the class of the saved model
 * @throws {UsageError} `save/exists`, `save/cannot-write`
 */
export async function savePretrained(
  saved: Saved,
  task: NetworkTask,
  folder: string,
  { convertTo, signal }: SaveOptions = {},
): Promise<void> {
  const { platform } = saved;
  const files = await savedFiles(saved, task, { convertTo, signal });
  await closing(await platform.createFolder(folder), async (writer) => {
    await writeFiles(writer, files, signal);
    await writer.commit();
  });
}

/** The content of a folder. */
export interface SavedFiles {
  /** The texts of the small files, by name. */
  readonly texts: ReadonlyMap<string, string>;
  readonly weights: WritableTensors;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** The files of a saved model. Reads no weights, except weights that may be tied. */
export async function savedFiles(
  saved: Saved,
  task: NetworkTask,
  { convertTo, signal }: SaveOptions = {},
): Promise<SavedFiles> {
  const { opened } = saved;
  const kind = specOf(task).saved(opened.architecture);
  const { tensors, tied } = await unlessAborted(tensorsOf(opened, kind), signal);
  const generation = await generationJson(saved);
  const files: Record<string, object> = {
    "config.json": { ...configJson(saved, kind, tied, tensors), ...convertTo?.config },
    "preprocessor_config.json": await preprocessorJson(saved),
    "tokenizer_config.json": tokenizerConfig(saved),
    "tokenizer.json": await tokenizerFileJson(saved),
    ...(generation && { "generation_config.json": generation }),
  };
  const vocabulary = (await opened.files.read("vocab.txt")) ?? saved.tokenizer.toVocabulary();
  signal?.throwIfAborted();
  return {
    texts: new Map([
      ...Object.entries(files).map(([name, json]): [string, string] => [name, jsonText(json)]),
      ["vocab.txt", vocabulary],
    ]),
    weights: convertTo?.tensors(tensors) ?? tensors,
    metadata: convertTo?.metadata,
  };
}

/** Writes files, the weights last. @param within the target sub-folder, if it is not the folder itself */
export async function writeFiles(
  writer: FolderWriter,
  { texts, weights, metadata }: SavedFiles,
  signal: AbortSignal | undefined,
  within?: string,
): Promise<void> {
  const place = (name: string) => (within === undefined ? name : `${within}/${name}`);
  for (const [name, text] of texts) await writer.write(place(name), text);
  const bytes = safetensorsBytes(weights, metadata);
  await writer.write(place("model.safetensors"), untilAborted(bytes, signal));
  signal?.throwIfAborted();
}

const words = "text_decoder.bert.embeddings.word_embeddings.weight";
const matrix = "text_decoder.cls.predictions.decoder.weight";
const bias = "text_decoder.cls.predictions.bias";
const secondBias = "text_decoder.cls.predictions.decoder.bias";

/** The tensors of the class. Tied tensors are included once, as transformers 5 saves them. */
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
