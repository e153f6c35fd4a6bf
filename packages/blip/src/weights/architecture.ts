// Derives a network's sizes from the shapes of its tensors (Hugging Face names). No shape shows the number of heads.
import { atLeast, must } from "@blip-ts/base";
import { badArchitecture, tooManyLayers } from "./errors.ts";
import type { StoredTensor } from "@blip-ts/checkpoint";

export interface VisionArchitecture {
  /** D */
  readonly hiddenSize: number;
  readonly layers: number;
  /** M */
  readonly intermediateSize: number;
  /** The side of a patch in pixels. */
  readonly patchSize: number;
  /** N, including the class token. */
  readonly positions: number;
  /** The side of the square image that fits the position table, in pixels. */
  readonly imageSize: number;
}

export interface TextArchitecture {
  /** D */
  readonly hiddenSize: number;
  readonly layers: number;
  /** M */
  readonly intermediateSize: number;
  /** V */
  readonly vocabSize: number;
  readonly maxPositions: number;
  /** The width of the cross-attention's source states; absent without cross-attention. */
  readonly encoderWidth?: number;
  /** NLVR2: the first layer that merges its two images with a Linear. */
  readonly firstMergeLayer?: number;
}

/** The parts that a file can hold. */
export const PARTS = [
  "vision",
  "textEncoder",
  "textDecoder",
  "lmHead",
  "itmHead",
  "visionProj",
  "textProj",
  "nlvr",
  "dual",
] as const;

export type Part = (typeof PARTS)[number];

/** A part's name in messages and in `blip inspect`. */
export const partNames: Readonly<Record<Part, string>> = {
  vision: "vision_model",
  textEncoder: "text_encoder",
  textDecoder: "text_decoder",
  lmHead: "text_decoder.cls",
  itmHead: "itm_head",
  visionProj: "vision_proj",
  textProj: "text_proj",
  nlvr: "cls_head",
  dual: "visual_projection",
};

export interface Architecture {
  readonly parts: ReadonlySet<Part>;
  readonly vision?: VisionArchitecture;
  /** The text encoder's sizes if there is one, otherwise the decoder's. */
  readonly text?: TextArchitecture;
  /** The decoder's sizes, if there is one. */
  readonly decoder?: TextArchitecture;
  /**
   * The decoder's cross-attention source: the image in captioning and pre-training, the question in question answering.
   */
  readonly decoderAttendsTo?: "image" | "question";
  /** E */
  readonly jointEmbedding?: number;
  /** E of transformers' `BlipModel`, which has its own text model and projections. */
  readonly dualEmbedding?: number;
}

type Tensors = ReadonlyMap<string, StoredTensor>;

/** A tensor that only this part has. */
const PART_MARKS: Readonly<Record<Part, string>> = {
  vision: "vision_model.embeddings.class_embedding",
  textEncoder: "text_encoder.embeddings.word_embeddings.weight",
  textDecoder: "text_decoder.bert.embeddings.word_embeddings.weight",
  lmHead: "text_decoder.cls.predictions.transform.dense.weight",
  itmHead: "itm_head.weight",
  visionProj: "vision_proj.weight",
  textProj: "text_proj.weight",
  nlvr: "cls_head.0.weight",
  dual: "visual_projection.weight",
};

const TEXT_PREFIXES = ["text_encoder.", "text_decoder.bert.", "text_model."];

/**
 * Derives the sizes of a network and its BLIP parts.
 * @param tensors by Hugging Face name
 * @throws {ModelError} `checkpoint/architecture` if shapes contradict each other or layers are missing
 */
export function deriveArchitecture(tensors: Tensors): Architecture {
  const parts = new Set(PARTS.filter((part) => tensors.has(PART_MARKS[part])));
  const texts = TEXT_PREFIXES.map((prefix) => deriveText(tensors, prefix));
  const text = texts.find((derived) => derived !== undefined);
  const vision = deriveVision(tensors);
  const [, decoder] = texts;
  const jointEmbedding = deriveEmbedding(tensors, ["vision_proj.weight", "text_proj.weight"]);
  const dualEmbedding = deriveEmbedding(tensors, ["visual_projection.weight", "text_projection.weight"]);
  const decoderAttendsTo = decoder && deriveAttendedStates(parts, decoder, vision, text);
  return {
    parts,
    ...(vision && { vision }),
    ...(text && { text }),
    ...(decoder && { decoder }),
    ...(decoderAttendsTo && { decoderAttendsTo }),
    ...(jointEmbedding !== undefined && { jointEmbedding }),
    ...(dualEmbedding !== undefined && { dualEmbedding }),
  };
}

function deriveVision(tensors: Tensors): VisionArchitecture | undefined {
  const prefix = "vision_model.";
  if (!hasPrefix(tensors, prefix)) return undefined;
  const [, positions, hiddenSize] = atLeast(shapeOf(tensors, `${prefix}embeddings.position_embedding`, 3), 3);
  const patch = `${prefix}embeddings.patch_embedding.weight`;
  const [, , patchSize, patchWidth] = atLeast(shapeOf(tensors, patch, 4), 4);
  if (patchSize !== patchWidth || patchSize === 0)
    throw badArchitecture(
      whereOf(tensors),
      `${patch} is for patches of ${patchSize} x ${patchWidth} pixels, not square ones`,
    );
  const side = Math.round(Math.sqrt(Math.max(positions - 1, 0)));
  if (side === 0 || side * side + 1 !== positions)
    throw badArchitecture(
      whereOf(tensors),
      `${positions} image positions are not one class token and a square of patches`,
    );
  const layers = countLayers(tensors, `${prefix}encoder.layers.`);
  const [intermediateSize] = atLeast(shapeOf(tensors, `${prefix}encoder.layers.0.mlp.fc1.weight`, 2), 1);
  return { hiddenSize, layers, intermediateSize, patchSize, positions, imageSize: side * patchSize };
}

function deriveText(tensors: Tensors, prefix: string): TextArchitecture | undefined {
  if (!hasPrefix(tensors, prefix)) return undefined;
  const [vocabSize, hiddenSize] = atLeast(
    shapeOf(tensors, `${prefix}embeddings.word_embeddings.weight`, 2),
    2,
  );
  const [maxPositions] = atLeast(shapeOf(tensors, `${prefix}embeddings.position_embeddings.weight`, 2), 1);
  const layers = countLayers(tensors, `${prefix}encoder.layer.`);
  const first = `${prefix}encoder.layer.0.`;
  const [intermediateSize] = atLeast(shapeOf(tensors, `${first}intermediate.dense.weight`, 2), 1);
  // NLVR2 attends to two images, with one attention each.
  const keys = ["self", "self0"].map((self) => `${first}crossattention.${self}.key.weight`);
  const key = keys.find((name) => tensors.has(name));
  const [, encoderWidth] = key === undefined ? [] : shapeOf(tensors, key, 2);
  const firstMergeLayer = Array.from({ length: layers }, (_, layer) => layer).find((layer) =>
    tensors.has(`${prefix}encoder.layer.${layer}.crossattention.output.merge_layer.weight`),
  );
  return {
    ...{ hiddenSize, layers, intermediateSize, vocabSize, maxPositions },
    ...(encoderWidth !== undefined && { encoderWidth }),
    ...(firstMergeLayer !== undefined && { firstMergeLayer }),
  };
}

/**
 * Determines the states that the decoder attends to. Pre-training and question answering both have an encoder and a
 * decoder. Their widths distinguish them; if the widths are equal, their heads do.
 */
function deriveAttendedStates(
  parts: ReadonlySet<Part>,
  decoder: TextArchitecture,
  vision: VisionArchitecture | undefined,
  text: TextArchitecture | undefined,
): "image" | "question" {
  if (!parts.has("textEncoder")) return "image";
  if (decoder.encoderWidth !== vision?.hiddenSize) return "question";
  if (decoder.encoderWidth !== text?.hiddenSize) return "image";
  return parts.has("itmHead") || parts.has("visionProj") ? "image" : "question";
}

function deriveEmbedding(tensors: Tensors, names: readonly string[]): number | undefined {
  const sizes = names.filter((name) => tensors.has(name)).map((name) => shapeOf(tensors, name, 2)[0]);
  if (new Set(sizes).size > 1)
    throw badArchitecture(
      whereOf(tensors),
      `images are projected to ${sizes.join(" numbers, texts to ")}; they cannot be compared`,
    );
  return sizes[0];
}

/** The maximum layers of a stack. ONNX Runtime's loading time grows superlinearly. BLIP's largest model has 24. */
export const maxLayers = 64;

/** Counts the layers below `prefix`, which must be numbered from 0 without gaps. */
function countLayers(tensors: Tensors, prefix: string): number {
  const numbers = new Set<string>();
  for (const name of tensors.keys())
    if (name.startsWith(prefix)) numbers.add(must(name.slice(prefix.length).split(".", 1), 0));
  for (let layer = 0; layer < Math.min(numbers.size, maxLayers); layer++)
    if (!numbers.has(String(layer)))
      throw badArchitecture(
        whereOf(tensors),
        `${numbers.size} layers are under ${prefix}, but layer ${layer} is not among them`,
      );
  if (numbers.size === 0) throw badArchitecture(whereOf(tensors), `no layers are under ${prefix}`);
  if (numbers.size > maxLayers) throw tooManyLayers(whereOf(tensors), prefix, numbers.size, maxLayers);
  return numbers.size;
}

function shapeOf(tensors: Tensors, name: string, rank: number): readonly number[] {
  const shape = tensors.get(name)?.shape;
  if (shape?.length !== rank)
    throw badArchitecture(
      whereOf(tensors),
      shape === undefined
        ? `${name} is missing, which shows the model's sizes`
        : `${name} has the shape [${shape.join(", ")}], expected ${rank} dimensions`,
    );
  return shape;
}

function hasPrefix(tensors: Tensors, prefix: string): boolean {
  for (const name of tensors.keys()) if (name.startsWith(prefix)) return true;
  return false;
}

function whereOf(tensors: Tensors): string {
  const [first] = tensors.values();
  return first?.source.name ?? "the checkpoint";
}
