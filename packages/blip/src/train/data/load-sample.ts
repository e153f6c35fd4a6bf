// Loads the images of one sample: decodes, augments and normalises them. Workers and web pages share this code.
import { closedBy, must, type Closable } from "@blip-ts/base";
import type { ImageSource } from "@blip-ts/datasets";
import { defaultImageConfig, preprocess, type ImageConfig } from "../../image/preprocess.ts";
import type { RgbImage } from "../../image/raw-image.ts";
import { croppedAndResized, flipped, randomCrop } from "./augment/random-crop.ts";
import { randomAugment } from "./augment/random-augment.ts";
import type { ResolvedAugment, ResolvedOptions } from "./options.ts";
import { Random, streams } from "./random.ts";

/** The settings that all samples of a run share, as data that can be sent to a worker. */
export type ImagePlan = Pick<
  ResolvedOptions,
  "seed" | "imageSize" | "augment" | "mean" | "std" | "pillowOrder"
>;

export interface SampleRequest {
  readonly images: readonly ImageSource[];
  readonly epoch: number;
  /** The number of the sample. With seed and epoch it determines the random draws. */
  readonly number: number;
}

/** Decodes an image to 8-bit RGB. @throws {InputError} `image/...` */
export type DecodeSource = (image: ImageSource, signal: AbortSignal | undefined) => Promise<RgbImage>;

/** Loads several samples at a time and queues further requests. */
export interface SampleLoader extends Closable {
  /** The number of samples that it loads at a time. */
  readonly parallel: number;
  /** The number of workers that died and were replaced. */
  readonly replaced: number;
  /**
   * Returns the pixel values of the request's n images [n, 3, S, S].
   * @throws {InputError} if an image cannot be used @throws the signal's reason
   */
  load(request: SampleRequest, signal: AbortSignal): Promise<Float32Array<ArrayBuffer>>;
}

const configOf = ({ imageSize, mean, std }: ImagePlan): ImageConfig => ({
  ...defaultImageConfig(imageSize),
  mean,
  std,
});

/** Applies RandomResizedCrop, flip and RandAugment, in the reference's order. */
async function augmentedImage(
  image: RgbImage,
  { imageSize, pillowOrder }: ImagePlan,
  augment: ResolvedAugment,
  random: Random,
): Promise<RgbImage> {
  const box = randomCrop(image, random, augment.scale);
  const part = await croppedAndResized(image, box, imageSize, pillowOrder);
  const turned = random.unit() < augment.flip ? flipped(part) : part;
  return randomAugment(turned, random, augment);
}

const imageStreams = [streams.firstImage, streams.secondImage] as const;

/**
 * Loads the pixel values of a sample's images [n, 3, S, S].
 * @throws {InputError} `image/...`, from `decode` @throws the signal's reason
 */
export async function loadSample(
  { images, epoch, number }: SampleRequest,
  plan: ImagePlan,
  decode: DecodeSource,
  signal?: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  const { imageSize, augment, seed, pillowOrder } = plan;
  const length = 3 * imageSize * imageSize;
  const values = new Float32Array(images.length * length);
  for (const [index, source] of images.entries()) {
    const image = await decode(source, signal);
    signal?.throwIfAborted();
    const random = new Random({ seed, epoch, index: number, stream: must(imageStreams, index) });
    const ready = augment === false ? image : await augmentedImage(image, plan, augment, random);
    values.set(await preprocess(ready, configOf(plan), pillowOrder), index * length);
  }
  return values;
}

/** A loader that runs in the caller's thread, one sample at a time. Web pages use it. */
export function inProcessLoader(plan: ImagePlan, decode: DecodeSource): SampleLoader {
  let last: Promise<unknown> = Promise.resolve();
  const close = () => Promise.resolve();
  return {
    parallel: 1,
    replaced: 0,
    load(request, signal) {
      const loaded = last.then(() => {
        signal.throwIfAborted();
        return loadSample(request, plan, decode, signal);
      });
      last = loaded.catch(() => undefined);
      return loaded;
    },
    ...closedBy(close),
  };
}
