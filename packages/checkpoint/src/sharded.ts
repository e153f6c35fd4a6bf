// A model in several files, of safetensors or PyTorch: `model.safetensors.index.json` or `pytorch_model.bin.index.json`
// maps tensors to files. The index and the files must have the same names.
import { type ByteSource, schema } from "@blip-ts/base";
import { disagreeingShards, malformed, overLimit } from "./errors.ts";
import { openCheckpoint } from "./open-checkpoint.ts";
import { MAX_ENTRIES } from "./safetensors.ts";
import type { Checkpoint, CheckpointFormat, StoredTensor } from "./stored-tensor.ts";

/** The most files per model. */
export const MAX_SHARDS = 1_000;

/** The longest file name of a shard in characters. */
const MAX_SHARD_NAME = 255;

/** Letters, digits and a few signs: no separator, no leading dot, no character with a meaning in URLs. */
const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9_. -]*$/;

/**
 * Opens all shards of a model.
 * @param indexJson the parsed index
 * @param indexName its path, for messages
 * @param open opens a file beside the index, by its name
 * @throws {ModelError} `checkpoint/malformed` for a bad index or shards of several formats; `checkpoint/shards` if the
 * index and the files disagree; `checkpoint/limit`; and the errors of `openCheckpoint` and `open`
 */
export async function readSharded(
  indexJson: unknown,
  indexName: string,
  open: (file: string) => Promise<ByteSource>,
): Promise<Checkpoint> {
  const { weightMap, files, metadata } = readIndex(indexJson, indexName);
  const tensors = new Map<string, StoredTensor>();
  const shardOf = new Map<string, string>();
  const duplicated: string[] = [];
  const unlisted: string[] = [];
  let format: CheckpointFormat | undefined;
  for (const file of files) {
    const shard = await openCheckpoint(await open(file));
    format ??= shard.format;
    if (shard.format !== format)
      throw malformed(indexName, `its shards are of two formats: ${format}, and ${shard.format} in ${file}`);
    for (const [name, tensor] of shard.tensors) {
      if (shardOf.has(name)) duplicated.push(name);
      else if (!weightMap.has(name)) unlisted.push(name);
      shardOf.set(name, file);
      if (weightMap.get(name) === file) tensors.set(name, tensor);
    }
    const count = shardOf.size + duplicated.length;
    if (count > MAX_ENTRIES) throw overLimit(indexName, "the number of tensors", count, MAX_ENTRIES);
  }
  if (format === undefined) throw malformed(indexName, "the weight_map of the index is empty");
  const missing = [...weightMap.keys()].filter((name) => !tensors.has(name));
  if (missing.length + duplicated.length + unlisted.length > 0)
    throw disagreeingShards(indexName, { missing, duplicated, unlisted });
  return { format, tensors, metadata };
}

/** The schema of an index. Only strings and numbers of its metadata are kept. */
const indexSchema = schema.fields(
  {
    weight_map: schema.recordOf(
      schema.only(
        schema.text(MAX_SHARD_NAME),
        (file) => SHARD_NAME.test(file),
        "the plain name of a file beside the index",
      ),
      MAX_ENTRIES,
      "an object from tensors to files",
    ),
    metadata: schema.maybe(schema.recordOf(schema.anything(), MAX_ENTRIES, "an object of notes")),
  },
  "an object with a weight_map",
);

/**
 * The files that an index names, each once, sorted.
 * @param json the parsed index @param where its path, for messages
 * @throws {ModelError} `checkpoint/malformed`, `checkpoint/limit`
 */
export const shardsOfIndex = (json: unknown, where: string): readonly string[] =>
  readIndex(json, where).files;

function readIndex(json: unknown, where: string) {
  const { value, mismatch } = schema.checked(indexSchema, json);
  if (mismatch) throw malformed(where, `the index: ${schema.mismatchText(mismatch)}`);
  const { weight_map: weightMap, metadata: notes } = value;
  const metadata = [...(notes ?? [])]
    .filter(([, note]) => typeof note === "string" || typeof note === "number")
    .map(([key, note]): [string, string] => [key, String(note)]);
  const files = [...new Set(weightMap.values())].sort();
  if (files.length > MAX_SHARDS) throw overLimit(where, "the number of shards", files.length, MAX_SHARDS);
  return { weightMap, files, metadata: Object.fromEntries(metadata) };
}
