// Converts RGB bytes to pixel values like transformers 5.23's PIL image processor (`BlipImageProcessorPil`): Pillow's
// resize, byte * factor in double, rounded to float32, then (x - mean) / std in float32.
import { missed, must, schema } from "@blip-ts/base";
import { badConfig } from "./errors.ts";
import type { RgbImage } from "./raw-image.ts";
import { type PillowOrder, resizeBicubic } from "./resize-bicubic.ts";

/** The settings of preprocessor_config.json, or of `image_processor` in processor_config.json. */
export interface ImageConfig {
  readonly height: number;
  readonly width: number;
  readonly doResize: boolean;
  readonly doRescale: boolean;
  readonly doNormalize: boolean;
  readonly rescaleFactor: number;
  /** The means of R, G and B, after rescaling. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Returns the settings of BLIP's training, for square images with sides of `side` pixels. */
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

/** Pillow's constant for BICUBIC, BLIP's only resampling filter. */
const bicubic = 3;
/** The largest side in a config: its pixel values take 50 MB. The largest released model uses 480. */
const maxSide = 2048;

type Triple = ImageConfig["mean"];
/** Creates an error with the field's name and value. */
type Fail = (field: keyof Settings, expected: string) => Error;

const number = schema.real(-Number.MAX_VALUE, Number.MAX_VALUE);
const side = schema.whole(1, maxSide);

/** Three numbers, or one number for all channels. */
const triple = () =>
  schema.either(
    [schema.mapped(number, (value): Triple => [value, value, value]), schema.three(number, "three numbers")],
    "three numbers, for R, G and B",
  );

/** The field `size`: `384` (in files of 2022) or `{ "height": 384, "width": 384 }`. */
const size = schema.either(
  [
    schema.mapped(side, (value) => ({ height: value, width: value })),
    schema.fields({ height: side, width: side }),
  ],
  (found) => {
    const other = ["shortest_edge", "longest_edge", "max_height", "max_width"].find(
      (key) => typeof found === "object" && found !== null && Object.hasOwn(found, key),
    );
    return other === undefined
      ? `a side of 1 to ${maxSide} pixels, or "height" and "width" of that`
      : `"height" and "width" without ${other}: BLIP ignores an image's aspect`;
  },
);

/** The schema of preprocessor_config.json, and of `image_processor` in processor_config.json. */
const settingsSchema = schema.fields({
  do_resize: schema.maybe(schema.flag()),
  do_rescale: schema.maybe(schema.flag()),
  do_normalize: schema.maybe(schema.flag()),
  do_center_crop: schema.maybe(schema.exactly(false, "false: BLIP does not crop")),
  do_convert_rgb: schema.maybe(schema.exactly(true, "true: BLIP looks at RGB")),
  resample: schema.maybe(schema.exactly(bicubic, "3 (bicubic), with which all BLIP models are trained")),
  rescale_factor: schema.maybe(schema.real(Number.MIN_VALUE, Number.MAX_VALUE, "a positive number")),
  image_mean: schema.maybe(triple()),
  image_std: schema.maybe(
    schema.only(triple(), (std) => std.every((value) => Math.fround(value) !== 0), "numbers other than 0"),
  ),
  size: schema.maybe(size),
});

type Settings = schema.Output<typeof settingsSchema>;

/**
 * Reads a model's image settings. Missing fields get the defaults of transformers' class. `do_pad` and `size_divisor`
 * are ignored, because images of equal size need no padding.
 * @param json the parsed settings @param name the file, for messages
 * @param prefix the prefix of a field's name in messages, if the settings are a part of the file
 * @throws {ModelError} `image/bad-config`, with the field, the expected value and the actual value
 */
export function parseImageConfig(json: unknown, name: string, prefix = ""): ImageConfig {
  const fail = ({ field, ...rest }: schema.Mismatch) => {
    const path = field === "" ? prefix.replace(/\.$/, "") : `${prefix}${field}`;
    return badConfig(name, `${schema.mismatchText({ field: path, ...rest })}. Correct the file.`);
  };
  const { value: said, mismatch } = schema.checked(settingsSchema, json);
  if (mismatch) throw fail(mismatch);
  const normal = defaultImageConfig(384);
  const { height, width } = said.size ?? normal;
  const config: ImageConfig = {
    ...{ height, width },
    doResize: said.do_resize ?? true,
    doRescale: said.do_rescale ?? true,
    doNormalize: said.do_normalize ?? true,
    rescaleFactor: said.rescale_factor ?? normal.rescaleFactor,
    mean: said.image_mean ?? normal.mean,
    std: said.image_std ?? normal.std,
  };
  expectFinite(config, (field, expected) =>
    fail({ field, expected, found: schema.shownValue(said[field]), overLimit: false }),
  );
  return config;
}

/** Checks that pixel values are finite. Finite settings may still exceed the range of float32, which ends at 3.4e38. */
function expectFinite(config: ImageConfig, fail: Fail): void {
  const finite = (some: ImageConfig) => tables(some).every((table) => table.every(Number.isFinite));
  if (!finite({ ...config, doNormalize: false }))
    throw fail("rescale_factor", "a number with which pixel values are finite in float32");
  if (!finite({ ...config, std: [1, 1, 1] }))
    throw fail("image_mean", "numbers with which pixel values are finite in float32");
  if (!finite(config)) throw fail("image_std", "numbers with which pixel values are finite in float32");
}

/** Computes a table per channel that maps each byte to its pixel value. */
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
 * Computes an image's pixel values: float32((byte * factor) - mean) / std. Yields to the event loop while it resizes.
 * @param order the order of Pillow's passes, as in `resizeBicubic`
 * @returns [3, height, width], row by row
 * @throws {ModelError} `image/bad-config` if `doResize` is false and the image's size differs from the config's
 */
export async function preprocess(
  image: RgbImage,
  config: ImageConfig,
  order: PillowOrder,
): Promise<Float32Array> {
  const { data, width, height } = config.doResize
    ? await resizeBicubic(image, config.width, config.height, order)
    : image;
  if (width !== config.width || height !== config.height)
    throw badConfig(
      "the model's image settings",
      `do_resize is false: expected an image of ${config.width} x ${config.height} pixels, got ${width} x ${height}. Resize it, or set do_resize.`,
    );
  const area = width * height;
  const values = new Float32Array(3 * area);
  tables(config).forEach((table, channel) => {
    for (let pixel = 0; pixel < area; pixel++)
      values[channel * area + pixel] = table[data[pixel * 3 + channel] ?? missed("byte")] ?? missed("value");
  });
  return values;
}
