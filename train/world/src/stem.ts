// Writes a starting model for training from scratch: config and vocabulary files for `blip train --init`, with zero
// weights. The names of the weights come from the embedded model's file, layer by layer.
import { closeSync, mkdirSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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

const embedded = fileURLToPath(new URL("../../../packages/blip/models/picture-book/", import.meta.url));
const vocabPath = new URL("../vocab.txt", import.meta.url);

/** The maximum number of tokens in a text. */
const positions = 64;

interface Stored {
  readonly shape: readonly number[];
}

const isStored = (value: unknown): value is Stored =>
  typeof value === "object" && value !== null && "shape" in value && Array.isArray(value.shape);

/** The names and shapes in a safetensors file. */
function headerOf(path: string): (readonly [name: string, shape: readonly number[]])[] {
  const file = openSync(path, "r");
  try {
    const size = Buffer.alloc(8);
    readSync(file, size, 0, 8, 0);
    const text = Buffer.alloc(Number(size.readBigUInt64LE()));
    readSync(file, text, 0, text.length, 8);
    const header: unknown = JSON.parse(text.toString("utf8"));
    return Object.entries(header ?? {}).flatMap(([name, value]: [string, unknown]) =>
      isStored(value) ? [[name, value.shape] as const] : [],
    );
  } finally {
    closeSync(file);
  }
}

/** The embedded model's sizes. Each number identifies a dimension in its shapes. */
const own = { width: 160, inner: 640, projections: 480, words: 297, tokens: 65, joint: 128 } as const;

function shapeFor(
  name: string,
  shape: readonly number[],
  options: StemOptions,
  words: number,
): readonly number[] {
  const { width, patch, imageSize, projection } = options;
  if (name.endsWith("patch_embedding.weight")) return [width, 3, patch, patch];
  const tokens = 1 + (imageSize / patch) ** 2;
  const sizes = new Map<number, number>([
    [own.width, width],
    [own.inner, 4 * width],
    [own.projections, 3 * width],
    [own.words, words],
    [own.tokens, tokens],
    [own.joint, projection],
  ]);
  return shape.map((size) => sizes.get(size) ?? size);
}

const layerOf = (name: string): number | undefined => {
  const [, layer] = /\.layers?\.(\d+)\./.exec(name) ?? [];
  return layer === undefined ? undefined : Number(layer);
};

/** The shapes of all weights of a model with these sizes, by name. */
export function weightShapes(options: StemOptions, words: number): ReadonlyMap<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const [name, shape] of headerOf(join(embedded, "model.safetensors"))) {
    const layer = layerOf(name);
    if (layer !== undefined && layer > 0) continue;
    const made = shapeFor(name, shape, options, words);
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

type Config = Readonly<Record<string, unknown>>;

function configFor(options: StemOptions, words: number): Config {
  const { width, imageLayers, textLayers, projection, imageSize, patch } = options;
  const heads = width / 32;
  const config = JSON.parse(readFileSync(join(embedded, "config.json"), "utf8")) as Record<
    "text_config" | "vision_config",
    Config
  > &
    Config;
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
  mkdirSync(out, { recursive: true });
  const json = (value: unknown) => `${JSON.stringify(value, undefined, 2)}\n`;
  writeFileSync(join(out, "model.safetensors"), safetensors(shapes));
  writeFileSync(join(out, "config.json"), json(configFor(options, words)));
  writeFileSync(join(out, "vocab.txt"), vocabulary);
  const processor = JSON.parse(readFileSync(join(embedded, "preprocessor_config.json"), "utf8")) as Config;
  const size = { height: options.imageSize, width: options.imageSize };
  writeFileSync(join(out, "preprocessor_config.json"), json({ ...processor, size }));
  writeFileSync(join(out, "tokenizer_config.json"), readFileSync(join(embedded, "tokenizer_config.json")));
  return distinctWeights(shapes);
}
