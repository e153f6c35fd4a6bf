// The verb `export`: writes a task's graphs as ONNX files for any program with ONNX Runtime, with a description.
import { closing, optionNames } from "@blip-ts/base";
import {
  contributedOperators,
  emitOnnx,
  emitSelfContained,
  formatDim,
  lengthOf,
  onnxOpset,
  optimize,
  type EmitOptions,
  type Graph,
  type NamedValue,
  type OnnxChunk,
  type WeightLocation,
} from "@blip-ts/graph";
import { readRange, readTensorBytes, type StoredTensor, tensorBytes } from "@blip-ts/checkpoint";
import type { Compat, Platform } from "../../platform.ts";
import type { FolderWriter } from "../../files.ts";
import { type NetworkDType, weightType } from "@blip-ts/engine";
import { version } from "../../version.ts";
import { graphMeanings, letterMeanings, meaningOf } from "./guide.ts";
import { prepareModel, type PreparedModel } from "../../load/load-model.ts";
import { networkTaskOf, runnableTasks, specOf } from "../../tasks/index.ts";
import type { ExportedGraph, NetworkTask, TaskModel } from "../../tasks/task.ts";
import { checkModelOptions, type ModelOptions, modelOptionNames } from "../../load/model-options.ts";
import { typedTensors } from "../../load/weight-dtype.ts";
import type { OpenedModel } from "../../load/open-model.ts";
import { openSource } from "../../load/open-suite.ts";
import { imageConfigOf } from "../../load/image-settings.ts";
import { decodeDefaults } from "../../processor/image-processor.ts";
import { tokenizerFileJson } from "../../save/hf-config.ts";
import { textLimitsOf } from "../../processor/text-processor.ts";
import { graphTooLarge, unknownTask } from "../errors.ts";

/** Options to export a task's graphs. */
export interface ExportOptions extends ModelOptions {
  /** `match`, `retrieve` (the files of `match`), `caption`, `ask`, `compare` or `embed`. */
  readonly task: string;
  /** Stores the weights inside each file. An error if a file would exceed 2 GiB, protobuf's limit. Default: false. */
  readonly selfContained?: boolean | undefined;
  /** Uses only standard ONNX operators: slower in ONNX Runtime, but other engines can run the files. Default: false. */
  readonly standardOperators?: boolean | undefined;
}

export const exportOptionNames = optionNames<ExportOptions>()({
  ...modelOptionNames,
  task: true,
  selfContained: true,
  standardOperators: true,
});

/** An input or output of an exported file. */
export interface ExportedTensor {
  /** The tensor's name in the graph. */
  readonly name: string;
  /** The element type, for example float32. */
  readonly dtype: string;
  /** Numbers, or letters from `letters`. */
  readonly shape: readonly (number | string)[];
  /** The meaning of the tensor. */
  readonly about: string;
}

/** One ONNX file. */
export interface ExportedFile {
  /** The file's name. */
  readonly file: string;
  /** A description of the file's computation. */
  readonly about: string;
  /** The inputs. */
  readonly inputs: readonly ExportedTensor[];
  /** The outputs. */
  readonly outputs: readonly ExportedTensor[];
}

/** The content of `export.json`: everything that a program needs to run the files. */
export interface ExportDescription {
  /** The name and version of this package. */
  readonly producer: string;
  /** The exported model. */
  readonly model: string;
  /** The task. */
  readonly task: string;
  /** The conventions that the graphs follow. */
  readonly compat: Compat;
  /** The type of the computation. Inputs and outputs are float32, except the caches of `fp16`. */
  readonly dtype: NetworkDType;
  /** Operator set versions, by domain. */
  readonly opset: Readonly<Record<string, number>>;
  /** The `com.microsoft` operators that the files use. */
  readonly contributedOperators: readonly string[];
  /** The file with all weights; null if each ONNX file contains its weights. */
  readonly data: string | null;
  /** The ONNX files. */
  readonly files: readonly ExportedFile[];
  /** The meaning of each letter in shapes. */
  readonly letters: Readonly<Record<string, string>>;
  /** The ids of special tokens. */
  readonly tokens: Readonly<Record<string, number>>;
  /** How to prepare images. */
  readonly image: Readonly<Record<string, unknown>>;
  /** How to prepare texts. */
  readonly text: Readonly<Record<string, unknown>>;
  /** How to run the files for the task, step by step. */
  readonly steps: readonly string[];
}

/** The name of the weights file. */
const dataFile = "weights.data";

const taskModel = ({ config, opened: { architecture } }: PreparedModel): TaskModel => ({
  config,
  architecture,
});

/** The parts of an export: the optimized graphs, and their tensors. */
interface Exported {
  readonly graphs: readonly (readonly [name: ExportedGraph, graph: Graph])[];
  readonly tensorOf: (name: string) => StoredTensor;
}

/**
 * Writes a task's graphs as ONNX files, with weights in a separate file or inside, the tokenizer's files, and an
 * `export.json` with inputs, outputs, preprocessing and the order of steps. The folder appears once it is complete.
 * @returns the content of export.json
 * @throws {UsageError} `usage/unknown-task`, `export/too-large`, `save/exists`, `save/cannot-write`
 * @throws {ModelError} if the model cannot be found, read, or used for the task
 */
export async function exportOnnx(
  platform: Platform<never>,
  source: string,
  folder: string,
  options: ExportOptions,
): Promise<ExportDescription> {
  const task = networkTaskOf(options.task);
  const valid = runnableTasks;
  if (task === undefined) throw unknownTask("task", options.task, valid);
  // BLIP's own conventions are the default, as in all verbs.
  const settings = { ...options, compat: options.compat ?? ("blip" as const) };
  checkModelOptions(settings);
  const opened = await openSource(platform, source, [task], settings);
  const model = await prepareModel(platform, opened, [task], settings);
  return closing(await platform.createFolder(folder), (writer) =>
    writeExport(writer, platform, opened, model, task, settings),
  );
}

async function writeExport(
  writer: FolderWriter,
  platform: Platform<never>,
  opened: OpenedModel,
  model: PreparedModel,
  task: NetworkTask,
  settings: ExportOptions & { readonly compat: Compat },
): Promise<ExportDescription> {
  const tensors = await typedTensors(platform, opened, model.originals, model.types.dtype, settings);
  settings.signal?.throwIfAborted();
  const exportedGraphs = specOf(task).exported(taskModel(model), model.imageSize);
  const exported: Exported = {
    graphs: (Object.entries(exportedGraphs) as [ExportedGraph, Graph][]).map(([name, graph]) => [
      name,
      optimize(graph, model.types.passes),
    ]),
    tensorOf(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`${name} was not required of the checkpoint`);
      return tensor;
    },
  };
  const description = await describe(task, model, exported, settings);
  const { contents, data } =
    settings.selfContained === true ? selfContained(exported, settings) : sharingData(exported, settings);
  for (const [name, content] of contents) await writer.write(`${name}.onnx`, content);
  if (data) await writer.write(dataFile, data);
  const { tokenizer } = model;
  const json = await tokenizerFileJson(model);
  await writer.write("tokenizer.json", `${JSON.stringify(json, undefined, 1)}\n`);
  await writer.write("vocab.txt", (await opened.files.read("vocab.txt")) ?? tokenizer.toVocabulary());
  await writer.write("export.json", `${JSON.stringify(description, undefined, 2)}\n`);
  settings.signal?.throwIfAborted();
  await writer.commit();
  return description;
}

/** The content to write: the graph files, and the weights file if it is separate. */
interface Contents {
  readonly contents: readonly (readonly [name: ExportedGraph, content: AsyncIterable<Uint8Array>])[];
  readonly data?: AsyncIterable<Uint8Array>;
}

/** For memory mapping, ONNX requires page-aligned offsets, and on Windows multiples of 64 KiB. */
const page = 4096;
const granularity = 65536;

const aligned = (offset: number, to: number): number => Math.ceil(offset / to) * to;

/** A tensor with its offset in the weights file. */
interface Placed {
  readonly tensor: StoredTensor;
  readonly start: number;
}

/** Graph files with a shared weights file, in which each tensor is stored once. */
function sharingData({ graphs, tensorOf }: Exported, options: ExportOptions): Contents {
  const places = new Map<string, Placed>();
  let end = 0;
  const placed = (tensor: StoredTensor): Placed => {
    // The same bytes under two names (tied matrices) are stored once.
    const { source, offset, byteLength, strides = [] } = tensor;
    const key = [source.path ?? source.name, offset, byteLength, ...strides].join(":");
    const known = places.get(key);
    if (known) return known;
    const start = aligned(end, byteLength >= granularity ? granularity : page);
    const placed = { tensor, start };
    places.set(key, placed);
    end = start + byteLength;
    return placed;
  };
  const locate = (name: string): WeightLocation => {
    const tensor = tensorOf(name);
    return { location: dataFile, offset: placed(tensor).start, dtype: weightType(tensor) };
  };
  return {
    contents: graphs.map(([name, graph]) => [
      name,
      bytesOf([emitOnnx(graph, locate, options)], tensorOf, options),
    ]),
    data: dataBytes([...places.values()], options),
  };
}

async function* dataBytes(
  places: readonly Placed[],
  { signal }: Pick<ExportOptions, "signal">,
): AsyncGenerator<Uint8Array, void, undefined> {
  let written = 0;
  for (const { tensor, start } of places) {
    if (start > written) yield new Uint8Array(start - written);
    for await (const piece of tensorBytes(tensor)) {
      signal?.throwIfAborted();
      yield piece;
    }
    written = start + tensor.byteLength;
  }
}

/** The maximum size of a serialized protobuf message, in bytes. */
const maxMessage = 2 ** 31 - 1;

/** Graph files that contain their weights. @throws {UsageError} `export/too-large` */
function selfContained({ graphs, tensorOf }: Exported, options: ExportOptions): Contents {
  return {
    contents: graphs.map(([name, graph]) => {
      const pieces = emitSelfContained(graph, (weight) => weightType(tensorOf(weight)), options);
      const size = lengthOf(pieces);
      if (size > maxMessage) throw graphTooLarge(`${name}.onnx`, size, maxMessage, dataFile);
      return [name, bytesOf(pieces, tensorOf, options)];
    }),
  };
}

async function* bytesOf(
  pieces: readonly OnnxChunk[],
  tensorOf: Exported["tensorOf"],
  { signal }: Pick<ExportOptions, "signal">,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (const piece of pieces) {
    signal?.throwIfAborted();
    if (piece instanceof Uint8Array) {
      yield piece;
      continue;
    }
    const { name, offset, length } = piece;
    const tensor = tensorOf(name);
    yield tensor.strides
      ? (await readTensorBytes(tensor)).subarray(offset, offset + length)
      : await readRange(tensor.source, tensor.offset + offset, length, tensor.name);
  }
}

const described = ({ name, value: { dtype, shape } }: NamedValue): ExportedTensor => ({
  name,
  dtype,
  shape: shape.map((dim) => (typeof dim === "number" ? dim : formatDim(dim))),
  about: meaningOf(name),
});

/** The description of image preprocessing. */
async function describedImage({ opened, imageSize, compat }: PreparedModel) {
  const settings = await imageConfigOf(opened, imageSize);
  const { height, width, doRescale, doNormalize, rescaleFactor, mean, std } = settings;
  const { alpha, orientation, grey16, pillowOrder } = decodeDefaults(compat, {});
  return {
    ...{ height, width },
    channels: "RGB",
    layout: "[image, channel, row, column]",
    resize: `bicubic as Pillow ${pillowOrder}'s, to height x width whatever the aspect`,
    value: "(byte * rescale_factor - mean) / std",
    rescale_factor: doRescale ? rescaleFactor : 1,
    mean: doNormalize ? mean : [0, 0, 0],
    std: doNormalize ? std : [1, 1, 1],
    ...{ alpha, orientation, grey16 },
  };
}

async function describe(
  task: NetworkTask,
  model: PreparedModel,
  { graphs }: Exported,
  options: ExportOptions & EmitOptions & { readonly compat: Compat },
): Promise<ExportDescription> {
  const { opened, config, compat, tokens, tokenizer } = model;
  const files = graphs.map(([name, { inputs, outputs }]) => ({
    file: `${name}.onnx`,
    about: graphMeanings[name],
    inputs: inputs.map(described),
    outputs: outputs.map(described),
  }));
  const letters = new Set(
    files.flatMap(({ inputs, outputs }) =>
      [...inputs, ...outputs].flatMap(({ shape }) => String(shape).match(/[A-Z]/g) ?? []),
    ),
  );
  const contributed = [
    ...new Set(graphs.flatMap(([, graph]) => contributedOperators(graph, options))),
  ].sort();
  const { dec, enc, sep, pad } = tokens;
  const limits = textLimitsOf(task, compat);
  return {
    producer: `blip-ts ${version}`,
    model: opened.files.name,
    task: options.task,
    compat,
    dtype: model.types.dtype,
    opset: { "ai.onnx": onnxOpset, ...(contributed.length > 0 && { "com.microsoft": 1 }) },
    contributedOperators: contributed,
    data: options.selfContained === true ? null : dataFile,
    files,
    letters: Object.fromEntries(Object.entries(letterMeanings).filter(([letter]) => letters.has(letter))),
    tokens: {
      ...{ cls: tokenizer.clsId, sep, pad },
      ...(specOf(task).lengths && { dec }),
      ...(enc !== undefined && { enc }),
    },
    image: await describedImage(model),
    text: {
      tokenizer: "tokenizer.json, or vocab.txt: BERT's WordPiece, lower case",
      max_positions: config.text.maxPositions,
      max_words: limits?.words ?? null,
      max_tokens: limits?.tokens ?? config.text.maxPositions,
      clean_up: limits?.cleanUp ?? null,
    },
    steps: specOf(task).exportSteps({ ...taskModel(model), compat, dtype: model.types.dtype, tokens }),
  };
}
