// From RGB bytes to pixel values as transformers 5.23's PIL image processor (`BlipImageProcessorPil`) computes them:
// Pillow's resize, byte * factor in double, rounded to float32, then (x - mean) / std in float32.
import { breathe } from "./breathe.ts";
import { badConfig } from "./errors.ts";
import type { RgbImage } from "./raw-image.ts";
import { resizeBicubic } from "./resize-bicubic.ts";

/** preprocessor_config.json, both generations. */
export interface ImageConfig {
  readonly height: number;
  readonly width: number;
  readonly doResize: boolean;
  readonly doRescale: boolean;
  readonly doNormalize: boolean;
  readonly rescaleFactor: number;
  /** Of R, G and B, after rescaling. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** What BLIP's models are trained with, for a square of `side` pixels. */
export function defaultImageConfig(side: number): ImageConfig {
  return {
    height: side,
    width: side,
    doResize: true,
    doRescale: true,
    doNormalize: true,
    rescaleFactor: 0.00392156862745098,
    mean: [0.48145466, 0.4578275, 0.40821073],
    std: [0.26862954, 0.26130258, 0.27577711],
  };
}

/** Pillow's number of BICUBIC, the only resampling of BLIP. */
const bicubic = 3;
/** Largest side that a config may ask for; the largest released model reads 480. */
const maxSide = 8192;

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * @param json the parsed preprocessor_config.json
 * @throws {ModelError} `image/bad-config`, naming the field, what was expected and what was found
 */
export function parseImageConfig(json: unknown, name: string): ImageConfig {
  if (!isFields(json)) throw badConfig(name, `expected an object, found ${typeof json}`);
  const fail = (field: string, expected: string) =>
    badConfig(name, `${field}: expected ${expected}, found ${JSON.stringify(json[field])}`);
  const flag = (field: string) => {
    const value = json[field] ?? true;
    if (typeof value !== "boolean") throw fail(field, "true or false");
    return value;
  };
  const triple = (field: string, otherwise: ImageConfig["mean"]): ImageConfig["mean"] => {
    const value = json[field] ?? otherwise;
    if (
      !Array.isArray(value) ||
      value.length !== 3 ||
      !value.every((x) => typeof x === "number" && Number.isFinite(x))
    )
      throw fail(field, "three numbers");
    return value as unknown as ImageConfig["mean"];
  };
  if ((json.resample ?? bicubic) !== bicubic) throw fail("resample", "3 (bicubic), BLIP's own");
  const normal = defaultImageConfig(384);
  const rescaleFactor = json.rescale_factor ?? normal.rescaleFactor;
  if (typeof rescaleFactor !== "number" || !(rescaleFactor > 0))
    throw fail("rescale_factor", "a positive number");
  const std = triple("image_std", normal.std);
  if (std.includes(0)) throw fail("image_std", "three numbers other than 0");
  return {
    ...parseSize(json.size ?? 384, (expected) => fail("size", expected)),
    doResize: flag("do_resize"),
    doRescale: flag("do_rescale"),
    doNormalize: flag("do_normalize"),
    rescaleFactor,
    mean: triple("image_mean", normal.mean),
    std,
  };
}

/** `384` (2022) or `{ "height": 384, "width": 384 }`. */
function parseSize(size: unknown, fail: (expected: string) => Error): Pick<ImageConfig, "height" | "width"> {
  const isSide = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= maxSide;
  if (isSide(size)) return { height: size, width: size };
  if (isFields(size) && isSide(size.height) && isSide(size.width))
    return { height: size.height, width: size.width };
  throw fail(`a side of 1 to ${maxSide} pixels, or { "height", "width" }`);
}

/** The pixel value of each byte, for each channel. */
function tables({ doRescale, doNormalize, rescaleFactor, mean, std }: ImageConfig): Float32Array[] {
  const { fround } = Math;
  return [0, 1, 2].map((channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => {
      const scaled = fround(doRescale ? byte * rescaleFactor : byte);
      if (!doNormalize) return scaled;
      return fround(fround(scaled - fround(mean[channel] ?? 0)) / fround(std[channel] ?? 1));
    }),
  );
}

/** Pixel values of a picture, [3, height, width], row by row. Gives the event loop its turn while it resizes. */
export async function preprocess(image: RgbImage, config: ImageConfig): Promise<Float32Array> {
  const { data, width, height } = config.doResize
    ? await resizeBicubic(image, config.width, config.height)
    : image;
  if (width !== config.width || height !== config.height)
    throw badConfig(
      "preprocessor_config.json",
      `do_resize is false, and the picture has ${width} x ${height} pixels instead of ${config.width} x ${config.height}`,
    );
  const area = width * height;
  const values = new Float32Array(3 * area);
  for (const [channel, table] of tables(config).entries()) {
    for (let row = 0; row < height; row++) {
      const turn = breathe();
      if (turn) await turn;
      for (let pixel = row * width; pixel < (row + 1) * width; pixel++)
        values[channel * area + pixel] = table[data[pixel * 3 + channel] ?? 0] ?? 0;
    }
  }
  return values;
}
