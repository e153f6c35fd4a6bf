// BLIP's two naming schemes of tensors: the original's (models/vit.py, models/med.py) and Hugging Face's. They differ
// only in the vision transformer; no tensor is transposed or split between them
// (convert_blip_original_pytorch_to_hf.py).
import { atLeast } from "@blip-ts/base";
import { mixedDialects, unknownNames } from "./errors.ts";
import { intendedReason, TRAINING_LEFTOVERS, type IgnoredTensor } from "./intended-gaps.ts";
import type { Checkpoint, StoredTensor } from "@blip-ts/checkpoint";

export type Dialect = "original" | "huggingface";

/** [original, Hugging Face]; `L` is the number of a layer. A module's name covers all tensors below it. */
export const VISION_NAMES: readonly (readonly [original: string, huggingFace: string])[] = [
  ["visual_encoder.cls_token", "vision_model.embeddings.class_embedding"],
  ["visual_encoder.pos_embed", "vision_model.embeddings.position_embedding"],
  ["visual_encoder.patch_embed.proj", "vision_model.embeddings.patch_embedding"],
  ["visual_encoder.blocks.L.norm1", "vision_model.encoder.layers.L.layer_norm1"],
  ["visual_encoder.blocks.L.norm2", "vision_model.encoder.layers.L.layer_norm2"],
  ["visual_encoder.blocks.L.attn.qkv", "vision_model.encoder.layers.L.self_attn.qkv"],
  ["visual_encoder.blocks.L.attn.proj", "vision_model.encoder.layers.L.self_attn.projection"],
  ["visual_encoder.blocks.L.mlp.fc1", "vision_model.encoder.layers.L.mlp.fc1"],
  ["visual_encoder.blocks.L.mlp.fc2", "vision_model.encoder.layers.L.mlp.fc2"],
  ["visual_encoder.norm", "vision_model.post_layernorm"],
];

/** The prefix that identifies each dialect. Every BLIP checkpoint has a vision transformer. */
const MARKS = { original: "visual_encoder.", huggingface: "vision_model." } as const;

/** Whether a tensor belongs to the image encoder, in either dialect. */
export const isImageEncoder = (name: string): boolean =>
  Object.values(MARKS).some((prefix) => name.startsWith(prefix));

/** A BLIP file also has text weights; other families (CLIP, SigLIP) share `vision_model.` but not these. */
const TEXT_MARKS = ["text_encoder.", "text_decoder.", "text_model.", "text_proj", "itm_head"];

/**
 * Detects a checkpoint's naming scheme.
 * @param names the names of all tensors
 * @param where the file, for messages
 * @throws {ModelError} `checkpoint/dialect` for another model family, or for a mix of both dialects
 */
export function detectDialect(names: Iterable<string>, where = "the checkpoint"): Dialect {
  const all = [...names];
  const has = (prefix: string) => all.some((name) => name.startsWith(prefix));
  const original = has(MARKS.original);
  const huggingFace = has(MARKS.huggingface);
  if (original && huggingFace) throw mixedDialects(where, MARKS.original, MARKS.huggingface);
  if (!(original || huggingFace) || !(original || TEXT_MARKS.some(has))) throw unknownNames(where, all);
  return original ? "original" : "huggingface";
}

/** The path below a prefix: "" for the prefix itself, undefined if the path is not below the prefix. */
function belowPrefix(path: string, prefix: string): string | undefined {
  if (path === prefix) return "";
  return path.startsWith(`${prefix}.`) ? path.slice(prefix.length) : undefined;
}

/** The Hugging Face name for an original name; names common to both stay unchanged. */
export function toHuggingFaceName(original: string): string {
  for (const [from, to] of VISION_NAMES) {
    const [stack, part] = atLeast(from.split(".L."), 1);
    if (part === undefined) {
      const rest = belowPrefix(original, from);
      if (rest !== undefined) return to + rest;
      continue;
    }
    const [layer, ...path] = atLeast((belowPrefix(original, stack) ?? "").slice(1).split("."), 1);
    const rest = belowPrefix(path.join("."), part);
    if (rest !== undefined && isNumber(layer)) return to.replace(".L.", `.${layer}.`) + rest;
  }
  return original;
}

const isNumber = (text: string): boolean => text !== "" && String(Math.trunc(Number(text))) === text;

export interface NamedTensors {
  readonly dialect: Dialect;
  /** Tensors by Hugging Face name; each tensor keeps the name it has in its file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly ignored: readonly IgnoredTensor[];
  /** The training leftovers, which `ignored` lists, by the names of training graphs (`vision_model_m...`, `temp`). */
  readonly leftovers: ReadonlyMap<string, StoredTensor>;
}

/** The name of a training leftover in graphs: the momentum copy of a module is named like the module, with `_m`. */
function leftoverName(name: string): string {
  const [, path] = /^visual_encoder_m(\..*)$/.exec(name) ?? [];
  if (path === undefined) return name;
  return toHuggingFaceName(`visual_encoder${path}`).replace(/^vision_model\./, "vision_model_m.");
}

/**
 * The tensors of a checkpoint by their Hugging Face names, without training leftovers. Tied tensors keep all their
 * names; tensors that only the original has (NLVR's `self0`, `merge_layer`, `cls_head`) keep their original names.
 * @throws {ModelError} `checkpoint/dialect`
 */
export function toHuggingFaceNames(checkpoint: Pick<Checkpoint, "tensors">): NamedTensors {
  const [first] = checkpoint.tensors.values();
  const where = first?.source.name ?? "the checkpoint";
  const dialect = detectDialect(checkpoint.tensors.keys(), where);
  const tensors = new Map<string, StoredTensor>();
  const leftovers = new Map<string, StoredTensor>();
  const ignored: IgnoredTensor[] = [];
  for (const [name, tensor] of checkpoint.tensors) {
    const reason = intendedReason(TRAINING_LEFTOVERS, name);
    if (reason !== undefined) {
      ignored.push({ name, reason });
      leftovers.set(leftoverName(name), tensor);
      continue;
    }
    const renamed = dialect === "original" ? toHuggingFaceName(name) : name;
    tensors.set(renamed, tensor);
  }
  return { dialect, tensors, ignored, leftovers };
}

/** The original name for a Hugging Face name; names common to both stay unchanged. */
export function toOriginalName(huggingFace: string): string {
  for (const [to, from] of VISION_NAMES) {
    const [stack, part] = atLeast(from.split(".L."), 1);
    if (part === undefined) {
      const rest = belowPrefix(huggingFace, from);
      if (rest !== undefined) return to + rest;
      continue;
    }
    const [layer, ...path] = atLeast((belowPrefix(huggingFace, stack) ?? "").slice(1).split("."), 1);
    const rest = belowPrefix(path.join("."), part);
    if (rest !== undefined && isNumber(layer)) return to.replace(".L.", `.${layer}.`) + rest;
  }
  return huggingFace;
}
