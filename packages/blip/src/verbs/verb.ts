// What every verb is: a network that is loaded for a task, with what turns images and texts into its inputs. It is loaded
// here, owned by the verb, and closed once.
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

/** What a verb is made over. */
export interface VerbParts<ImageInput> {
  /** A network that can do the verb's task, and others besides if its owner says so. */
  readonly loaded: LoadedNetwork;
  readonly encoders: Encoders;
  readonly processors: Processors<ImageInput>;
}

/**
 * The parts of one task of several, whose images are encoded once for all of them. Texts are read as the task's own part
 * reads them: of a suite, each may have a vocabulary of its own.
 * @throws {ModelError} `model/no-special-token`, and if the files of the task cannot be used
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
 * Loads a model for tasks and makes a verb over it, which owns it.
 * @param share if its bound of memory is a part of one that is given for several models
 * @throws {ModelError} if the model cannot be found, read, or used for the tasks
 * @throws {UsageError} if an option is wrong @throws the signal's reason
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

/** A model of one task with what turns images and texts into its inputs. */
export abstract class Verb<
  ImageInput,
  Model extends Closable & { readonly loaded: LoadedNetwork },
> implements Closable {
  /** The network behind the verb, for tensors. */
  readonly model: Model;
  /** What turns images and texts into the model's inputs. */
  readonly processors: Processors<ImageInput>;

  protected constructor(model: Model, processors: Processors<ImageInput>) {
    this.model = model;
    this.processors = processors;
  }

  /** Images that may be in memory at a time; undefined if their number is the caller's choice. */
  get imagesAtOnce(): number | undefined {
    return this.processors.images.atOnce;
  }

  /** Reads an image for a batch of requests. */
  readImage(image: ImageInput, options: RequestImageOptions): Promise<ReadImage> {
    return readPixels(image, this.processors.images, this.otherImages, options);
  }

  /** Starts what images are decoded with whose callers are not trusted, unless memory is bounded. */
  prepareDecoders(): void {
    this.processors.images.prepareDecoders();
  }

  /** Frees the model. A second call does nothing more; other calls are refused from now on (`usage/disposed`). */
  async close(): Promise<void> {
    await this.model.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The model's name, as messages say it. */
  protected get name(): string {
    return this.model.loaded.opened.files.name;
  }

  /** How a second model of the verb reads images, if it has one. */
  protected get otherImages(): ImageProcessor<ImageInput> | undefined {
    return undefined;
  }

  /** For each row of a tensor what is wrong with it, if it is not finite. @param what "the states of the image" */
  protected failuresOf(what: string, tensor: Tensor<"float32">): readonly (ModelError | undefined)[] {
    return failuresOf(this.name, what, tensor);
  }
}
