// From RGB bytes to pixel values as transformers 5.23's PIL image processor (`BlipImageProcessorPil`) computes them:
// Pillow's resize, byte * factor in double, rounded to float32, then (x - mean) / std in float32.
import { missed, must } from "@blip-ts/base";
import { badConfig } from "./errors.ts";
import type { RgbImage } from "./raw-image.ts";
import { resizeBicubic } from "./resize-bicubic.ts";

/** What preprocessor_config.json says, or processor_config.json under `image_processor`. */
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
type Triple = ImageConfig["mean"];
/** An error that names the field and what it holds. */
type Fail = (field: string, expected: string) => Error;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

const maxShown = 80;

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : writtenOut(value);
  return text.length > maxShown ? `${text.slice(0, maxShown)}...` : text;
}

function writtenOut(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "lists within lists, too deep to be shown";
  }
}

/**
 * What a model's image settings say, and for the rest what transformers' class defaults to. `do_pad` and
 * `size_divisor` are read by nothing: after a resize to one size there is nothing to pad.
 * @param json the parsed settings @param name the file, for messages
 * @param prefix what stands before a field's name in messages, where the settings are a part of the file
 * @throws {ModelError} `image/bad-config`, naming the field, what was expected and what was found
 */
export function parseImageConfig(json: unknown, name: string, prefix = ""): ImageConfig {
  if (!isFields(json)) {
    const where = prefix === "" ? "" : `${prefix.replace(/\.$/, "")}: `;
    throw badConfig(name, `${where}expected an object of settings, found ${shown(json)}. Correct the file.`);
  }
  const fail: Fail = (field, expected) =>
    badConfig(
      name,
      `${prefix}${field}: expected ${expected}, found ${shown(json[field])}. Correct the file.`,
    );
  const flag = (field: string) => {
    const value = json[field] ?? true;
    if (typeof value !== "boolean") throw fail(field, "true or false");
    return value;
  };
  const normal = defaultImageConfig(384);
  const rescaleFactor = json.rescale_factor ?? normal.rescaleFactor;
  if (!isNumber(rescaleFactor) || rescaleFactor <= 0) throw fail("rescale_factor", "a positive number");
  if ((json.resample ?? bicubic) !== bicubic)
    throw fail("resample", "3 (bicubic), with which all BLIP models are trained");
  if ((json.do_center_crop ?? false) !== false) throw fail("do_center_crop", "false: BLIP does not crop");
  if ((json.do_convert_rgb ?? true) !== true) throw fail("do_convert_rgb", "true: BLIP looks at RGB");
  const std = parseTriple("image_std", json.image_std ?? normal.std, fail);
  if (!std.every((value) => Math.fround(value) !== 0)) throw fail("image_std", "numbers other than 0");
  const config: ImageConfig = {
    ...parseSize(json.size ?? 384, fail),
    doResize: flag("do_resize"),
    doRescale: flag("do_rescale"),
    doNormalize: flag("do_normalize"),
    rescaleFactor,
    mean: parseTriple("image_mean", json.image_mean ?? normal.mean, fail),
    std,
  };
  expectFinite(config, fail);
  return config;
}

/** Numbers may be finite and what is made of them not: float32 ends at 3.4e38. */
function expectFinite(config: ImageConfig, fail: Fail): void {
  const finite = (some: ImageConfig) => tables(some).every((table) => table.every(Number.isFinite));
  if (!finite({ ...config, doNormalize: false }))
    throw fail("rescale_factor", "a number with which pixel values are finite in float32");
  if (!finite({ ...config, std: [1, 1, 1] }))
    throw fail("image_mean", "numbers with which pixel values are finite in float32");
  if (!finite(config)) throw fail("image_std", "numbers with which pixel values are finite in float32");
}

/** Three numbers, or one for all channels. */
function parseTriple(field: string, value: unknown, fail: Fail): Triple {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value, value, value];
  const [red, green, blue] = list;
  if (list.length !== 3 || !isNumber(red) || !isNumber(green) || !isNumber(blue))
    throw fail(field, "three numbers, for R, G and B");
  return [red, green, blue];
}

/** `384` (2022) or `{ "height": 384, "width": 384 }`. */
function parseSize(size: unknown, fail: Fail): Pick<ImageConfig, "height" | "width"> {
  const isSide = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= maxSide;
  if (isSide(size)) return { height: size, width: size };
  if (isFields(size)) {
    const other = ["shortest_edge", "longest_edge", "max_height", "max_width"].find((key) => key in size);
    if (other !== undefined)
      throw fail("size", `"height" and "width" without ${other}: BLIP ignores an image's aspect`);
    if (isSide(size.height) && isSide(size.width)) return { height: size.height, width: size.width };
  }
  throw fail("size", `a side of 1 to ${maxSide} pixels, or "height" and "width" of that`);
}

/** The pixel value of each byte, for each channel. */
function tables({ doRescale, doNormalize, rescaleFactor, mean, std }: ImageConfig): Float32Array[] {
  const { fround } = Math;
  return [0, 1, 2].map((channel) =>
    Float32Array.from({ length: 256 }, (_, byte) => {
      const scaled = fround(doRescale ? byte * rescaleFactor : byte);
      if (!doNormalize) return scaled;
      return fround(fround(scaled - fround(must(mean, channel))) / fround(must(std, channel)));
    }),
  );
}

/**
 * Pixel values of a picture: float32((byte * factor) - mean) / std. Gives the event loop its turn while it resizes.
 * @returns [3, height, width], row by row
 * @throws {ModelError} `image/bad-config` where nothing is resized and the picture has another size than the config
 */
export async function preprocess(image: RgbImage, config: ImageConfig): Promise<Float32Array> {
  const { data, width, height } = config.doResize
    ? await resizeBicubic(image, config.width, config.height)
    : image;
  if (width !== config.width || height !== config.height)
    throw badConfig(
      "the model's image settings",
      `do_resize is false: expected a picture of ${config.width} x ${config.height} pixels, found ${width} x ${height}. Resize it, or set do_resize.`,
    );
  const area = width * height;
  const values = new Float32Array(3 * area);
  tables(config).forEach((table, channel) => {
    for (let pixel = 0; pixel < area; pixel++)
      values[channel * area + pixel] = table[data[pixel * 3 + channel] ?? missed("byte")] ?? missed("value");
  });
  return values;
}
