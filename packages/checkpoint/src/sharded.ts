// A model in several safetensors files: `model.safetensors.index.json` says which file holds which tensor.
// Index and files must agree name for name.
import type { ByteSource } from "@blip-ts/base";
import { disagreeingShards, malformed, overLimit, quoted } from "./errors.ts";
import { readSafetensors } from "./safetensors.ts";
import type { Checkpoint, StoredTensor } from "./stored-tensor.ts";

/** Most files of one model. */
export const MAX_SHARDS = 1_000;

/** Letters, digits and a few signs: no separator, no leading dot, nothing that means something in a URL. */
const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9_. -]*$/;

/**
 * Opens all shards of a model.
 * @param indexJson the parsed index
 * @param indexName its path, for messages
 * @param open gives the file of that name beside the index
 * @throws {ModelError} `checkpoint/malformed` for a bad index, `checkpoint/shards` where index and files disagree, and
 *   what `readSafetensors` and `open` throw
 */
export async function readShardedSafetensors(
  indexJson: unknown,
  indexName: string,
  open: (file: string) => Promise<ByteSource>,
): Promise<Checkpoint> {
  const { weightMap, metadata } = readIndex(indexJson, indexName);
  const files = [...new Set(weightMap.values())].sort();
  if (files.length > MAX_SHARDS) throw overLimit(indexName, "the number of shards", files.length, MAX_SHARDS);

  const tensors = new Map<string, StoredTensor>();
  const shardOf = new Map<string, string>();
  const duplicated: string[] = [];
  const unlisted: string[] = [];
  for (const file of files) {
    const shard = await readSafetensors(await open(file));
    for (const [name, tensor] of shard.tensors) {
      if (shardOf.has(name)) duplicated.push(name);
      else if (!weightMap.has(name)) unlisted.push(name);
      shardOf.set(name, file);
      if (weightMap.get(name) === file) tensors.set(name, tensor);
    }
  }
  const missing = [...weightMap.keys()].filter((name) => !tensors.has(name));
  if (missing.length + duplicated.length + unlisted.length > 0)
    throw disagreeingShards(indexName, { missing, duplicated, unlisted });
  return { format: "safetensors", tensors, metadata };
}

function readIndex(json: unknown, where: string) {
  if (!isRecord(json) || !isRecord(json.weight_map))
    throw malformed(where, "the index has no weight_map from tensors to files");
  const weightMap = new Map<string, string>();
  for (const [name, file] of Object.entries(json.weight_map)) {
    if (typeof file !== "string" || !SHARD_NAME.test(file))
      throw malformed(
        where,
        `the index places ${quoted(name)} in ${quoted(String(file))}, which is no plain file name`,
      );
    weightMap.set(name, file);
  }
  if (weightMap.size === 0) throw malformed(where, "the weight_map of the index is empty");
  const entries = isRecord(json.metadata) ? Object.entries(json.metadata) : [];
  const metadata = entries
    .filter(([, value]) => typeof value === "string" || typeof value === "number")
    .map(([key, value]) => [key, String(value)]);
  return { weightMap, metadata: Object.fromEntries(metadata) as Record<string, string> };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
