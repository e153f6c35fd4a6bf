// Opens a model's files: its checkpoint under Hugging Face names, its architecture, and its tasks. Reads no weights.
import { deriveArchitecture, type Architecture } from "../weights/architecture.ts";
import { toHuggingFaceNames, type Dialect } from "../weights/names.ts";
import { withoutPrefix, wrapperPrefix } from "../weights/wrapper-prefix.ts";
import type { IgnoredTensor } from "../weights/intended-gaps.ts";
import {
  type Checkpoint,
  type CheckpointFormat,
  openCheckpoint,
  parseStrictJson,
  readQuantized,
  readSharded,
  type StoredTensor,
} from "@blip-ts/checkpoint";
import type { Task } from "../tasks/task.ts";
import { tasksOf, type TaskReport } from "../tasks/tasks-of.ts";
import { maxSideFileBytes, sideFileLimits, type ModelFiles, type SideFile } from "../files.ts";
import { BertTokenizer } from "../text/word-piece.ts";
import { badJson, sideFileTooLarge, vocabularyNeeded, vocabularyTooLarge, wrongTask } from "./errors.ts";

export interface OpenedModel {
  readonly files: ModelFiles;
  readonly format: CheckpointFormat;
  readonly dialect: Dialect;
  /** Tensors by Hugging Face name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /**
   * 8-bit matrices and their scales. `tensors` has the matrices that they represent. Empty for a floating-point file.
   */
  readonly quantized: ReadonlyMap<string, StoredTensor>;
  readonly ignored: readonly IgnoredTensor[];
  /** Tensors that only training uses (temperature, momentum copies), by their names in training graphs. */
  readonly leftovers: ReadonlyMap<string, StoredTensor>;
  /** The common prefix of all names in the file, such as `module.`, which is removed; usually empty. */
  readonly prefix: string;
  readonly architecture: Architecture;
  readonly tasks: TaskReport;
  /** The adapter whose updates are merged into `tensors`. */
  readonly adapter?: { readonly name: string; readonly sha256: string } | undefined;
  /** Whether this is the part of a suite: `tensors` has the image encoder's, `files.weights` lacks them. Default: false. */
  readonly inSuite?: true;
}

/**
 * Opens a model's checkpoint.
 * @throws {ModelError} `checkpoint/...`
 */
export async function openModel(files: ModelFiles): Promise<OpenedModel> {
  return openedFrom(files, await openWeights(files));
}

/**
 * Identifies the tensors of a model's checkpoint.
 * @throws {ModelError} `checkpoint/...`
 */
export function openedFrom(files: ModelFiles, checkpoint: OpenedWeights): OpenedModel {
  const { prefix = "" } = checkpoint;
  const { dialect, tensors: named, ignored, leftovers } = toHuggingFaceNames(checkpoint);
  const { tensors, quantized } = readQuantized(named);
  const architecture = deriveArchitecture(tensors);
  const tasks = tasksOf(architecture);
  return {
    files,
    format: checkpoint.format,
    dialect,
    tensors,
    quantized,
    ignored,
    leftovers,
    prefix,
    architecture,
    tasks,
  };
}

/** A checkpoint with the model's own tensor names. */
export interface OpenedWeights extends Checkpoint {
  /** The removed common prefix of all names in the file. */
  readonly prefix?: string;
}

/**
 * Opens all tensors of a model under the file's names, including tensors that no task needs. Removes a prefix that all
 * names share because the model was wrapped.
 * @throws {ModelError} `checkpoint/...`
 */
export async function openWeights({ weights }: ModelFiles): Promise<OpenedWeights> {
  const checkpoint =
    weights.kind === "single"
      ? await openCheckpoint(weights.source)
      : await readSharded(weights.index, weights.indexName, (file) => weights.open(file));
  const prefix = wrapperPrefix([...checkpoint.tensors.keys()]);
  return { ...checkpoint, prefix, tensors: withoutPrefix(checkpoint.tensors, prefix) };
}

/** @throws {ModelError} `model/wrong-task`, with the model's tasks */
export function expectTask({ files, tasks }: OpenedModel, task: Task): void {
  const missing = tasks.missing.get(task);
  if (missing) throw wrongTask(files.name, task, tasks.tasks, missing);
}

/**
 * Reads a side file as JSON, and enforces its limits. Returns undefined if the file does not exist.
 * @throws {ModelError} `model/bad-json`, `model/side-file-too-large`
 */
export async function readJson(files: ModelFiles, file: SideFile): Promise<unknown> {
  const text = await files.read(file);
  if (text === undefined) return undefined;
  const [name, most] = [`${files.name}/${file}`, maxSideFileBytes[file]];
  // A custom platform may not have enforced the limit.
  if (text.length > most) throw sideFileTooLarge(name, text.length, most);
  const parsed = await parseStrictJson(text, sideFileLimits);
  if (!parsed.ok) throw badJson(name, parsed.reason);
  return parsed.value;
}

/**
 * Reads the tokenizer beside the weights: tokenizer.json, or else vocab.txt, with tokenizer_config.json. If a model has
 * neither, uses the bundled BERT vocabulary, provided that its size fits the model.
 * @param vocabSize the number of rows of the model's word table
 * @throws {ModelError} `text/bad-tokenizer`, `tokenizer/...`, `model/vocabulary-needed`, `model/vocabulary-mismatch`
 */
export async function readTokenizer(
  files: ModelFiles,
  vocabSize: number | undefined,
  bundled: () => Promise<string>,
): Promise<BertTokenizer> {
  const tokenizer = await ownTokenizer(files, vocabSize);
  if (tokenizer) {
    const { size } = tokenizer.vocabulary;
    if (vocabSize !== undefined && size > vocabSize) throw vocabularyTooLarge(files.name, size, vocabSize);
    return tokenizer;
  }
  if (vocabSize !== undefined && vocabSize !== 30522 && vocabSize !== 30524)
    throw vocabularyNeeded(files.name, vocabSize);
  return BertTokenizer.fromVocabulary(await bundled(), "bert-base-uncased/vocab.txt");
}

async function ownTokenizer(
  files: ModelFiles,
  vocabSize: number | undefined,
): Promise<BertTokenizer | undefined> {
  const json = await readJson(files, "tokenizer.json");
  const vocabulary = json === undefined ? await files.read("vocab.txt") : undefined;
  if (json === undefined && vocabulary === undefined) return undefined;
  const config = await readJson(files, "tokenizer_config.json");
  const configName = `${files.name}/tokenizer_config.json`;
  return vocabulary === undefined
    ? BertTokenizer.fromJson(json, config, `${files.name}/tokenizer.json`, vocabSize, configName)
    : BertTokenizer.fromVocabulary(vocabulary, `${files.name}/vocab.txt`, config, configName);
}
