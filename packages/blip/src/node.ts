// The door for Node: the isomorphic package wired to files, the Hub's cache, sharp and onnxruntime-node.
import type { ImageInput } from "./platform/node/decode-image.ts";
import { nodePlatform } from "./platform/node/node-platform.ts";
import type { ImageTextRetrieval } from "./tasks/image-text-retrieval.ts";
import { inspect as inspectOn, printTask as printTaskOn, type Inspection } from "./tasks/inspect.ts";
import { loadRetrieval, type ModelOptions } from "./tasks/load-retrieval.ts";
import {
  Matcher as MatcherOn,
  type FailedRow,
  type MatcherOptions,
  type MatchOptions,
  type MatchRow,
} from "./tasks/match.ts";
import { loadProcessor, type Processor, type ProcessorOptions } from "./tasks/processor.ts";

export * from "./index.ts";
export type { ImageInput } from "./platform/node/decode-image.ts";

/** Pictures and texts as a model reads them; called as `await processor(image, text)`. */
export type BlipProcessor = Processor<ImageInput>;

export const BlipProcessor = {
  /**
   * The processor of a model: a folder, a weights file, `picture-book`, or a Hub id.
   * @throws {ModelError} where the model cannot be found or its files cannot be used
   */
  fromPretrained: (source: string, options?: ProcessorOptions): Promise<BlipProcessor> =>
    loadProcessor(nodePlatform, source, options),
};

/** Image-text matching and contrast, as transformers' class of this name. */
export type BlipForImageTextRetrieval = ImageTextRetrieval;

export const BlipForImageTextRetrieval = {
  /**
   * Loads a model for matching; sessions are made when they are first needed.
   * @throws {ModelError} where the model cannot be found, read, or used for matching
   */
  fromPretrained: async (source: string, options?: ModelOptions): Promise<BlipForImageTextRetrieval> =>
    (await loadRetrieval(nodePlatform, source, options)).model,
};

/** A model with its processor, for many pictures and many texts. */
export type Matcher = MatcherOn<ImageInput>;

export const Matcher = {
  /**
   * Loads a model and its processor; `blip`'s conventions unless told.
   * @throws {ModelError} where the model cannot be found, read, or used for matching
   */
  fromPretrained: (source: string, options?: MatcherOptions): Promise<Matcher> =>
    MatcherOn.load(nodePlatform, source, options),
};

/**
 * Scores every picture with every text; each picture is encoded once.
 * @returns a row for each pair, pictures in order, texts inside; one row with `error` for a picture that cannot be read
 * @throws {ModelError} where the model cannot be used @throws {UsageError} where a text is empty or an option is wrong
 */
export async function match<Input extends ImageInput>(
  images: readonly Input[],
  texts: readonly string[],
  options: MatcherOptionsWithModel = {},
): Promise<(MatchRow<Input> | FailedRow<Input>)[]> {
  const { model = "picture-book", imageBatchSize, textBatchSize, onMatchProgress, ...load } = options;
  await using matcher = await Matcher.fromPretrained(model, load);
  const rows: (MatchRow<Input> | FailedRow<Input>)[] = [];
  const { signal } = load;
  for await (const row of matcher.match(images, texts, {
    imageBatchSize,
    textBatchSize,
    signal,
    onProgress: onMatchProgress,
  }))
    rows.push(row);
  return rows;
}

export interface MatcherOptionsWithModel
  extends MatcherOptions, Pick<MatchOptions, "imageBatchSize" | "textBatchSize"> {
  /** A folder, a weights file, a Hub id, or `picture-book`, which is taken where nothing is said. */
  readonly model?: string;
  readonly onMatchProgress?: MatchOptions["onProgress"];
}

/** What a model's files hold, before any weight is read. @throws {ModelError} where they cannot be found or read */
export const inspect = (source: string, options?: ModelOptions): Promise<Inspection> =>
  inspectOn(nodePlatform, source, options);

/** The graphs of a task as they are run, printed. */
export const printTask = (source: string, task: string, options?: ModelOptions): Promise<string> =>
  printTaskOn(nodePlatform, source, task, options);
