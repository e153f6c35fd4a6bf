// Reads an adapter's files as updates of modules. The files are untrusted: everything is bounded and checked before a
// number is used.
import { memorySource, readSafetensors, type StoredTensor } from "@blip-ts/checkpoint";
import { must } from "@blip-ts/base";
import type { AdapterFiles } from "../files.ts";
import { parseConfig, scaleOf, valueFor, type AdapterConfig } from "./config.ts";
import {
  badTensor,
  foreignTensor,
  lonely,
  noTensors,
  tiedModule,
  tooLarge,
  unsupportedTensor,
  wrongRank,
} from "./errors.ts";
import { isWithin, prefix } from "./names.ts";

/** The update scale * B A of a module's matrix W [out, in]. */
export interface Update {
  /** A [r, in] */
  readonly down: StoredTensor;
  /** B [out, r] */
  readonly up: StoredTensor;
  readonly scale: number;
}

export interface Adapter {
  /** The adapter's name, as the user gave it. */
  readonly name: string;
  /** SHA-256 of both files. */
  readonly sha256: string;
  /** Updates by the module's path in transformers' class. */
  readonly updates: ReadonlyMap<string, Update>;
  /** Replacements of the model's weights, by name. */
  readonly replaced: ReadonlyMap<string, StoredTensor>;
}

/** The maximum bytes of adapter_model.safetensors, which is read as a whole. */
const maxBytes = 2 ** 30;

const floats: readonly string[] = ["float32", "float16", "bfloat16", "float64"];

/** Kinds of tensors that PEFT writes for other methods than plain LoRA. */
const kinds: readonly (readonly [ending: RegExp, kind: string])[] = [
  [/\.lora_magnitude_vector(\.weight)?$/, "DoRA"],
  [/\.lora_embedding_[AB]$/, "an update of an embedding"],
  [/\.lora_[AB]\.bias$/, "lora_bias"],
  [/\.token_adapter\.|trainable_tokens/, "trainable_token_indices"],
];

/**
 * The tied tensors of LM head and word embeddings. PEFT and transformers disagree on which tensor such a name denotes.
 */
const tied = [
  "text_decoder.bert.embeddings.word_embeddings.weight",
  "text_decoder.cls.predictions.decoder.weight",
  "text_decoder.cls.predictions.decoder.bias",
];

async function hashOf(texts: readonly Uint8Array[]): Promise<string> {
  const lengths = Float64Array.from(texts, ({ length }) => length);
  const all = [new Uint8Array(lengths.buffer), ...texts];
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const one of all) {
    whole.set(one, at);
    at += one.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

interface Pair {
  down?: StoredTensor;
  up?: StoredTensor;
}

const wrongFile = "Give the weights that belong to this adapter_config.json.";

function expectMatrix(name: string, tensor: StoredTensor): void {
  if (!floats.includes(tensor.dtype) || tensor.shape.length !== 2 || tensor.shape.includes(0))
    throw badTensor(name, tensor.name, "a floating-point matrix", tensor, wrongFile);
}

function updateOf(name: string, module: string, { down, up }: Pair, config: AdapterConfig): Update {
  if (!down) throw lonely(name, module, "lora_B", "lora_A");
  if (!up) throw lonely(name, module, "lora_A", "lora_B");
  expectMatrix(name, down);
  expectMatrix(name, up);
  const rank = valueFor(config.rankPattern, module, config.rank);
  if (must(down.shape, 0) !== rank) throw wrongRank(name, module, rank, down.shape);
  if (must(up.shape, 1) !== rank)
    throw badTensor(name, up.name, `a matrix of ${rank} columns, the rank`, up, wrongFile);
  const alpha = valueFor(config.alphaPattern, module, config.alpha);
  return { down, up, scale: scaleOf(alpha, rank, config.rslora) };
}

/**
 * The name of the model's tensor that this one replaces. @throws {ModelError} `adapter/tensor`, `adapter/unsupported`
 */
function replacedName(
  name: string,
  tensor: StoredTensor,
  path: string,
  { modulesToSave }: AdapterConfig,
): string {
  const kind = kinds.find(([ending]) => ending.test(tensor.name));
  if (kind) throw unsupportedTensor(name, tensor.name, kind[1]);
  if (!isWithin(path, modulesToSave)) throw foreignTensor(name, tensor.name);
  if (tied.includes(path)) throw tiedModule(name, path);
  if (!floats.includes(tensor.dtype))
    throw badTensor(name, tensor.name, "floating-point numbers", tensor, wrongFile);
  return path;
}

/**
 * Reads an adapter that PEFT or this package wrote. Reads its file once as a whole, so that the hashed bytes are the
 * bytes in use.
 * @throws {ModelError} `adapter/...`, `checkpoint/...` if it is not plain LoRA or its files are damaged
 */
export async function readAdapter({ name, config: text, weights }: AdapterFiles): Promise<Adapter> {
  const config = await parseConfig(name, text);
  if (weights.size > maxBytes) throw tooLarge(name, "adapter_model.safetensors", weights.size, maxBytes);
  const bytes = await weights.read(0, weights.size);
  const { tensors } = await readSafetensors(memorySource(weights.name, bytes));
  const pairs = new Map<string, Pair>();
  const replaced = new Map<string, StoredTensor>();
  for (const [full, tensor] of tensors) {
    if (!full.startsWith(prefix)) throw foreignTensor(name, full);
    const path = full.slice(prefix.length);
    const [, module, which] = /^(.+)\.lora_([AB])\.weight$/.exec(path) ?? [];
    if (module === undefined) {
      replaced.set(replacedName(name, tensor, path, config), tensor);
      continue;
    }
    const pair = pairs.get(module) ?? {};
    pairs.set(module, { ...pair, [which === "A" ? "down" : "up"]: tensor });
  }
  if (pairs.size + replaced.size === 0) throw noTensors(name);
  const updates = new Map(
    [...pairs].map(([module, pair]) => [module, updateOf(name, module, pair, config)] as const),
  );
  return { name, sha256: await hashOf([new TextEncoder().encode(text), bytes]), updates, replaced };
}
