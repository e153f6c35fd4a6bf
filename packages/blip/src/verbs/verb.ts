// The base of every verb: a loaded network with the processors of its images and texts. A verb owns its network and
// closes it.
import { asyncDispose, type Closable, type ModelError, orClosed } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import { limitsOfShare, type MemoryShare } from "../load/memory-plan.ts";
import type { OpenTasks } from "../load/task-networks.ts";
import type { Platform } from "../platform.ts";
import type { ImageProcessor } from "../processor/image-processor.ts";
import { checkMaxTextLength } from "../processor/text-processor.ts";
import { type Encoders, encodersOf } from "../run/encoders.ts";
import { failuresOf } from "../run/finite.ts";
import type { ImageEncoder } from "../run/image-encoder.ts";
import { TextEncoder } from "../run/text-encoder.ts";
import { imageHeadOf } from "../tasks/index.ts";
import type { NetworkTask } from "../tasks/task.ts";
import {
  processorsOf,
  readPixels,
  textProcessorOf,
  verbOptions,
  type Processors,
  type ReadImage,
  type RequestImageOptions,
  type VerbOptions,
} from "./image-batches.ts";

/** The parts of a verb. */
export interface VerbParts<ImageInput> {
  /** A network for the verb's task, and for other tasks if it was loaded for them. */
  readonly loaded: LoadedNetwork;
  readonly encoders: Encoders;
  readonly processors: Processors<ImageInput>;
}

/**
 * Creates the parts of one of several tasks that share the encoding of images. The task's own network encodes texts,
 * because each part of a suite may have its own vocabulary.
 * @throws {ModelError} `model/no-special-token`, or if the files of the task cannot be used
 */
export async function partsOfTask<ImageInput>(
  open: OpenTasks,
  task: NetworkTask,
  images: ImageEncoder,
  processors: Processors<ImageInput>,
): Promise<VerbParts<ImageInput>> {
  const loaded = await open.openTask(task);
  const texts = new TextEncoder(loaded, imageHeadOf([task], loaded.opened.architecture));
  const { maxLength, onWarning } = processors.texts;
  const own = { images: processors.images, texts: textProcessorOf(loaded, maxLength, onWarning) };
  return { loaded, encoders: { images, texts }, processors: own };
}

/**
 * Loads a model for tasks and creates a verb that owns the model.
 * @param share the model's share of a memory limit for several models
 * @throws {ModelError} if the model cannot be found, read, or used for the tasks
 * @throws {UsageError} if an option is invalid @throws the signal's reason
 */
export async function loadVerb<ImageInput, Made>(
  platform: Platform<ImageInput>,
  source: string,
  tasks: readonly NetworkTask[],
  options: VerbOptions,
  make: (parts: VerbParts<ImageInput>) => Made | Promise<Made>,
  share?: MemoryShare,
): Promise<Made> {
  checkMaxTextLength(options.maxTextLength);
  const loadOptions = { ...verbOptions(options), ...(share && { memory: share.memory }) };
  const { limits, ...rest } = await loadNetwork(platform, source, tasks, loadOptions);
  const loaded = { ...rest, limits: limitsOfShare(limits, share?.boundOfAll) };
  return orClosed(
    loaded.network,
    async () =>
      make({
        ...{ loaded, encoders: encodersOf(loaded, tasks) },
        processors: await processorsOf(platform, loaded, loadOptions),
      }),
    loadOptions.signal,
  );
}

/** A model of one task with the processors of its images and texts. */
export abstract class Verb<
  ImageInput,
  Model extends Closable & { readonly loaded: LoadedNetwork },
> implements Closable {
  /** The verb's model, which takes and returns tensors. */
  readonly model: Model;
  /** The processors of the model's images and texts. */
  readonly processors: Processors<ImageInput>;

  protected constructor(model: Model, processors: Processors<ImageInput>) {
    this.model = model;
    this.processors = processors;
  }

  /** The most images in memory at a time; undefined if there is no limit. */
  get imagesAtOnce(): number | undefined {
    return this.processors.images.atOnce;
  }

  /** Reads an image for a batch of requests. */
  readImage(image: ImageInput, options: RequestImageOptions): Promise<ReadImage> {
    return readPixels(image, this.processors.images, this.otherImages, options);
  }

  /** Starts the decoders for images of untrusted callers, unless memory is limited. */
  prepareDecoders(): void {
    this.processors.images.prepareDecoders();
  }

  /** Frees the model. A second call has no effect. Later calls of other methods throw `usage/disposed`. */
  async close(): Promise<void> {
    await this.model.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The model's name in messages. */
  protected get name(): string {
    return this.model.loaded.opened.files.name;
  }

  /** The image processor of the verb's second model, if it has one. */
  protected get otherImages(): ImageProcessor<ImageInput> | undefined {
    return undefined;
  }

  /** Returns an error for each row that is not finite. @param what for example "the states of the image" */
  protected failuresOf(what: string, tensor: Tensor<"float32">): readonly (ModelError | undefined)[] {
    return failuresOf(this.name, what, tensor);
  }
}
