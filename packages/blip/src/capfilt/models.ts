// The captioner and the filter. If both encode images identically, each image is encoded once for both.
import { asyncDispose, type Closable, must, orClosed } from "@blip-ts/base";
import type { EvaluationHost } from "../evaluate/host.ts";
import { encoderHash } from "../evaluate/identity.ts";
import { openTasks } from "../load/open-tasks.ts";
import type { Platform } from "../platform.ts";
import { ImageEncoder } from "../run/image-encoder.ts";
import { imageHeadOf } from "../tasks/index.ts";
import { Captioner } from "../verbs/caption.ts";
import { processorsOf, verbOptions, type VerbOptions } from "../verbs/image-batches.ts";
import { Matcher } from "../verbs/match.ts";
import { partsOfTask } from "../verbs/verb.ts";
import type { TwoModelOptions } from "./options.ts";

/** The sources of the models. At least one is given. */
export interface WantedModels {
  readonly captioner?: string | undefined;
  readonly filter?: string | undefined;
}

/** The loaded captioner and filter. */
export class CapFiltModels<ImageInput> implements Closable {
  readonly captioner: Captioner<ImageInput> | undefined;
  readonly filter: Matcher<ImageInput> | undefined;
  /** Whether the captioner's encoding of an image also serves the filter. */
  readonly shared: boolean;

  constructor(
    captioner: Captioner<ImageInput> | undefined,
    filter: Matcher<ImageInput> | undefined,
    shared: boolean,
  ) {
    this.captioner = captioner;
    this.filter = filter;
    this.shared = shared;
  }

  async close(): Promise<void> {
    await this.captioner?.close();
    await this.filter?.close();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

const same = (value: unknown, other: unknown): boolean => JSON.stringify(value) === JSON.stringify(other);

/** Whether both models have the same image settings. The caller compares the weights by hash. */
const seesAlike = <ImageInput>(captioner: Captioner<ImageInput>, filter: Matcher<ImageInput>): boolean => {
  const [one, other] = [captioner.model.loaded, filter.model.loaded];
  return (
    same(one.config.vision, other.config.vision) &&
    one.imageSize === other.imageSize &&
    one.network.dtype === other.network.dtype &&
    same(captioner.processors.images.config, filter.processors.images.config)
  );
};

/** Loads captioner and filter from the same file or suite. */
async function loadTogether<ImageInput>(
  platform: Platform<ImageInput>,
  source: string,
  options: VerbOptions,
): Promise<CapFiltModels<ImageInput>> {
  const tasks = ["caption", "match"] as const;
  const open = await openTasks(platform, source, options, { tasks, holds: false });
  return orClosed(
    open,
    async () => {
      const images = new ImageEncoder(open.images, imageHeadOf(tasks, open.images.opened.architecture));
      const processors = await processorsOf(platform, open.images, options);
      const captioning = await partsOfTask(open, "caption", images, processors);
      const matching = await partsOfTask(open, "match", images, processors);
      return new CapFiltModels(await Captioner.over(captioning), Matcher.over(matching), true);
    },
    options.signal,
  );
}

/**
 * Loads the captioner, the filter, or both.
 * @throws {ModelError} if a model cannot be found or read; `model/wrong-task` if a model cannot do its task
 * @throws {UsageError} if an option is invalid @throws the signal's reason
 */
export async function loadModels<ImageInput>(
  platform: Platform<ImageInput>,
  host: Pick<EvaluationHost, "hasher">,
  wanted: WantedModels,
  loading: TwoModelOptions,
): Promise<CapFiltModels<ImageInput>> {
  const options = verbOptions<VerbOptions>(loading);
  const { captioner, filter } = wanted;
  if (captioner !== undefined && captioner === filter) return loadTogether(platform, captioner, options);
  const first = captioner === undefined ? undefined : await Captioner.load(platform, captioner, options);
  const make = async () => {
    const second = filter === undefined ? undefined : await Matcher.load(platform, filter, options);
    const models = new CapFiltModels(first, second, false);
    if (!first || !second || !seesAlike(first, second)) return models;
    return orClosed(models, async () => {
      const hashes = [
        await encoderHash(host, first.model.loaded, options.signal),
        await encoderHash(host, second.model.loaded, options.signal),
      ];
      return new CapFiltModels(first, second, must(hashes, 0) === must(hashes, 1));
    });
  };
  return first ? orClosed(first, make, options.signal) : make();
}
