// Writes a starting model for training from scratch: config and vocabulary files for `blip train --init`, with zero
// weights. data/stem.json has the names and shapes of the weights, with one layer of each kind.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { badOption } from "./errors.ts";

export interface StemOptions {
  /** The side of the images, a multiple of the patch's side. */
  readonly imageSize: number;
  readonly patch: number;
  /** The width of image and text states, a multiple of 32, because a head has 32. */
  readonly width: number;
  readonly imageLayers: number;
  readonly textLayers: number;
  /** The width of the joint embedding. */
  readonly projection: number;
}

const vocabPath = new URL("../vocab.txt", import.meta.url);
const templatePath = new URL("../data/stem.json", import.meta.url);

/** The maximum number of tokens in a text. */
const positions = 64;

type Config = Readonly<Record<string, unknown>>;
type Size = "width" | "inner" | "threeWidths" | "words" | "tokens" | "projection" | "patch";

interface Template {
  /** Shapes by name; a size that depends on the options has a name. */
  readonly shapes: Readonly<Record<string, readonly (Size | number)[]>>;
  readonly config: Readonly<Record<"text_config" | "vision_config", Config>> & Config;
  readonly preprocessor_config: Config;
  readonly tokenizer_config: Config;
}

const readTemplate = (): Template => JSON.parse(readFileSync(templatePath, "utf8")) as Template;

function sizesOf({ width, patch, imageSize, projection }: StemOptions, words: number): Record<Size, number> {
  const tokens = 1 + (imageSize / patch) ** 2;
  return { ...{ width, inner: 4 * width, threeWidths: 3 * width }, ...{ words, tokens, projection, patch } };
}

const layerOf = (name: string): number | undefined => {
  const [, layer] = /\.layers?\.(\d+)\./.exec(name) ?? [];
  return layer === undefined ? undefined : Number(layer);
};

/** The shapes of all weights of a model with these sizes, by name. */
export function weightShapes(options: StemOptions, words: number): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  const sizes = sizesOf(options, words);
  for (const [name, shape] of Object.entries(readTemplate().shapes)) {
    const layer = layerOf(name);
    const made = shape.map((size) => (typeof size === "number" ? size : sizes[size]));
    const layers = name.startsWith("vision_model") ? options.imageLayers : options.textLayers;
    if (layer === undefined) shapes.set(name, made);
    else for (let at = 0; at < layers; at++) shapes.set(name.replace(/(\.layers?\.)0\./, `$1${at}.`), made);
  }
  return shapes;
}

function safetensors(shapes: ReadonlyMap<string, readonly number[]>): Buffer {
  let at = 0;
  const header = Object.fromEntries(
    [...shapes].map(([name, shape]) => {
      const bytes = 2 * shape.reduce((a, b) => a * b, 1);
      return [name, { dtype: "F16", shape, data_offsets: [at, (at += bytes)] }];
    }),
  );
  const text = JSON.stringify({ __metadata__: { format: "pt" }, ...header });
  const padded = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([size, padded, Buffer.alloc(at)]);
}

function configFor(config: Template["config"], options: StemOptions, words: number): Config {
  const { width, imageLayers, textLayers, projection, imageSize, patch } = options;
  const heads = width / 32;
  const shared = { hidden_size: width, intermediate_size: 4 * width, num_attention_heads: heads };
  return {
    ...config,
    ...{ projection_dim: projection, image_text_hidden_size: projection },
    text_config: {
      ...{ ...config.text_config, ...shared, num_hidden_layers: textLayers, encoder_hidden_size: width },
      ...{ vocab_size: words, bos_token_id: words - 2, projection_dim: projection },
      max_position_embeddings: positions,
    },
    vision_config: {
      ...{ ...config.vision_config, ...shared, num_hidden_layers: imageLayers },
      ...{ image_size: imageSize, patch_size: patch, projection_dim: projection },
    },
  };
}

/**
 * The number of weights, counting tied ones once: the decoder shares everything but its self-attention with the
 * encoder.
 */
export function distinctWeights(shapes: ReadonlyMap<string, readonly number[]>): number {
  let sum = 0;
  for (const [name, shape] of shapes) {
    const twin = name.replace("text_decoder.bert.", "text_encoder.");
    const tied = twin !== name && shapes.has(twin) && !name.includes(".attention.");
    if (!tied) sum += shape.reduce((a, b) => a * b, 1);
  }
  return sum;
}

/**
 * Writes config.json, the vocabulary and zero weights.
 * @returns the number of distinct weights in pre-training
 * @throws {WorldError} `world/bad-option`
 */
export function writeStem(options: StemOptions, out: string): number {
  if (options.imageSize % options.patch !== 0)
    throw badOption("--size", `a multiple of ${options.patch}`, options.imageSize);
  if (options.width % 32 !== 0) throw badOption("--width", "a multiple of 32", options.width);
  const vocabulary = readFileSync(vocabPath, "utf8");
  const words = vocabulary.trimEnd().split("\n").length;
  const shapes = weightShapes(options, words);
  const template = readTemplate();
  mkdirSync(out, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  writeFileSync(join(out, "model.safetensors"), safetensors(shapes));
  writeFileSync(join(out, "config.json"), json(configFor(template.config, options, words)));
  writeFileSync(join(out, "vocab.txt"), vocabulary);
  const size = { height: options.imageSize, width: options.imageSize };
  writeFileSync(join(out, "preprocessor_config.json"), json({ ...template.preprocessor_config, size }));
  writeFileSync(join(out, "tokenizer_config.json"), json(template.tokenizer_config));
  return distinctWeights(shapes);
}
