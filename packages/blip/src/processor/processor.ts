// Prepares images and texts for a model (transformers `BlipProcessor`; BLIP's own transforms under `blip`, `lavis`).
import { expectImages } from "../image/expect-images.ts";
import type { Tensor } from "@blip-ts/graph";
import { defaultImageConfig } from "../image/preprocess.ts";
import type { Platform } from "../platform.ts";
import { badOption, unlessAborted, type Warning, expectOptions } from "@blip-ts/base";
import type { BertTokenizer, EncodedTexts } from "../text/word-piece.ts";
import { readImageConfig } from "../load/image-settings.ts";
import { readTokenizer } from "../load/open-model.ts";
import { openSource } from "../load/open-suite.ts";
import { networkTaskOf, runnableTasks } from "../tasks/index.ts";
import type { Task } from "../tasks/task.ts";
import { checkMaxTextLength, TextProcessor } from "./text-processor.ts";
import { ImageProcessor, decodeDefaults } from "./image-processor.ts";
import { type ProcessorOptions, type ProcessorCallOptions, processorCallOptionNames } from "./options.ts";

/** Prepared images. */
export interface ProcessedImages {
  /** [B, 3, S, S] */
  readonly pixelValues: Tensor<"float32">;
}

type OneOrMore<T> = T | readonly T[];

/** A processor, called with images and texts. A single image or text is treated as a batch of size 1. */
export interface Processor<ImageInput> {
  (
    images: OneOrMore<ImageInput>,
    texts: OneOrMore<string>,
    options?: ProcessorCallOptions,
  ): Promise<ProcessedImages & EncodedTexts>;
  (
    images: OneOrMore<ImageInput>,
    texts?: undefined,
    options?: ProcessorCallOptions,
  ): Promise<ProcessedImages>;
  /** Converts images to pixel values. */
  readonly imageProcessor: ImageProcessor<ImageInput>;
  /** Converts texts to ids, and ids to texts. */
  readonly textProcessor: TextProcessor;
  /** BERT's WordPiece tokenizer. */
  readonly tokenizer: BertTokenizer;
}

const listOf = <T>(value: OneOrMore<T>): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

function callable<ImageInput>(
  images: ImageProcessor<ImageInput>,
  texts: TextProcessor,
): Processor<ImageInput> {
  async function process(
    inputs: OneOrMore<ImageInput>,
    sentences?: OneOrMore<string>,
    options: ProcessorCallOptions = {},
  ): Promise<ProcessedImages & Partial<EncodedTexts>> {
    expectOptions("BlipProcessor", options, processorCallOptionNames);
    expectImages(listOf(inputs));
    const encoded = sentences === undefined ? {} : texts.encode(listOf(sentences), options);
    return { pixelValues: await images.batch(listOf(inputs), options), ...encoded };
  }
  // The overloads guarantee ids if texts are given. `process` satisfies this, but its type does not express it.
  return Object.assign(process as Processor<ImageInput>, {
    imageProcessor: images,
    textProcessor: texts,
    tokenizer: texts.tokenizer,
  });
}

/** Returns the network's task for a requested task. @throws {UsageError} `usage/bad-option`, with the valid tasks */
function taskOf(asked: string | undefined): readonly Task[] {
  if (asked === undefined) return [];
  const task = networkTaskOf(asked);
  if (task === undefined) throw badOption("task", asked, runnableTasks);
  return [task];
}

/**
 * Loads a model's processor: its image settings and its tokenizer. Uses the weights only if these files do not
 * determine the image size or the vocabulary.
 * @throws {ModelError} if the model cannot be found or its files cannot be used
 * @throws {UsageError} `suite/task-needed` for a suite without `task` @throws the signal's reason
 */
export async function loadProcessor<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  options: ProcessorOptions = {},
): Promise<Processor<ImageInput>> {
  const { compat = "hf" } = options;
  const decode = decodeDefaults(compat, options);
  checkMaxTextLength(options.maxTextLength);
  const { signal } = options;
  const { files, architecture } = await openSource(platform, source, taskOf(options.task), {
    ...options,
    // An adapter does not affect how images and texts are prepared.
    adapter: undefined,
  });
  const config =
    (await unlessAborted(readImageConfig(files), signal)) ??
    defaultImageConfig(architecture.vision?.imageSize ?? 384);
  const tokenizer = await unlessAborted(
    readTokenizer(files, architecture.text?.vocabSize, () => platform.bundledVocabulary()),
    signal,
  );
  signal?.throwIfAborted();
  const onWarning = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
  tokenizer.warnings.forEach(onWarning);
  const images = new ImageProcessor(platform, config, {
    ...decode,
    onWarning,
    drawingsOnly: files.embedded ?? false,
  });
  const positions = architecture.text?.maxPositions ?? 512;
  const texts = new TextProcessor(tokenizer, positions, compat, options.maxTextLength, onWarning);
  return callable(images, texts);
}
