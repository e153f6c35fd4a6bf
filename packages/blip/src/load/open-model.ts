// A model's files, opened: its checkpoint under Hugging Face names, what it is and what it can do. No weight is read.
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
  /** By Hugging Face name. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** 8-bit matrices and their scales, of which `tensors` has what they stand for; empty in a floating-point file. */
  readonly quantized: ReadonlyMap<string, StoredTensor>;
  readonly ignored: readonly IgnoredTensor[];
  /** What all names in the file begin with, and is left out: `module.`; empty in most. */
  readonly prefix: string;
  readonly architecture: Architecture;
  readonly tasks: TaskReport;
  /** The adapter whose updates `tensors` have. */
  readonly adapter?: { readonly name: string; readonly sha256: string } | undefined;
}

/**
 * Opens a model's checkpoint.
 * @throws {ModelError} `checkpoint/...`
 */
export async function openModel(files: ModelFiles): Promise<OpenedModel> {
  return openedFrom(files, await openWeights(files));
}

/**
 * What the tensors of a model's checkpoint are.
 * @throws {ModelError} `checkpoint/...`
 */
export function openedFrom(files: ModelFiles, checkpoint: OpenedWeights): OpenedModel {
  const { prefix = "" } = checkpoint;
  const { dialect, tensors: named, ignored } = toHuggingFaceNames(checkpoint);
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
    prefix,
    architecture,
    tasks,
  };
}

/** A checkpoint whose names are those of a model. */
export interface OpenedWeights extends Checkpoint {
  /** What all names in the file begin with, and is left out. */
  readonly prefix?: string;
}

/**
 * All tensors of a model by their own names, also those that no task needs, without what a program that wraps models has put
 * before all of them.
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

/** @throws {ModelError} `model/wrong-task`, which says what the model can do instead */
export function expectTask({ files, tasks }: OpenedModel, task: Task): void {
  const missing = tasks.missing.get(task);
  if (missing) throw wrongTask(files.name, task, tasks.tasks, missing);
}

/**
 * A side file as JSON, within its limits; undefined where there is none.
 * @throws {ModelError} `model/bad-json`, `model/side-file-too-large`
 */
export async function readJson(files: ModelFiles, file: SideFile): Promise<unknown> {
  const text = await files.read(file);
  if (text === undefined) return undefined;
  const [name, most] = [`${files.name}/${file}`, maxSideFileBytes[file]];
  // A platform of one's own may have read more.
  if (text.length > most) throw sideFileTooLarge(name, text.length, most);
  const parsed = await parseStrictJson(text, sideFileLimits);
  if (!parsed.ok) throw badJson(name, parsed.reason);
  return parsed.value;
}

/**
 * The tokenizer that lies beside the weights: tokenizer.json, else vocab.txt, with tokenizer_config.json. If a model has
 * neither, the bundled BERT vocabulary if it can be its.
 * @param vocabSize rows of the model's word table
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
