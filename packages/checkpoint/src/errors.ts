// The errors of checkpoints: one factory per error. Their codes are `checkpoint/...`. Names from a file are shortened
// and stripped of control characters before they are shown.
import { ModelError } from "@blip-ts/base";

const MAX_SHOWN = 160;
export const MAX_DETAIL = 600;

/** A name or text from a file, safe for a terminal: shortened, without control characters. */
export function shown(text: string, most = MAX_SHOWN): string {
  const cut = text.length > most ? `${text.slice(0, most)}...` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, "\uFFFD");
}

/** A name from a file in quotes. */
export const quoted = (name: string): string => `"${shown(name)}"`;

/** Up to `most` of the names, and the number of the rest. */
export function someOf(names: readonly string[], most = 10): string {
  const first = names
    .slice(0, most)
    .map((name) => shown(name))
    .join(", ");
  return names.length > most ? `${first}, and ${names.length - most} more` : first;
}

const DAMAGED =
  "The file is damaged or was not written by a library that follows the format: download it again.";

/**
 * A requested byte range lies outside the file, or the file cannot be read.
 * @remedy Check the file, its permissions and the disk.
 */
export const readFailed = (where: string, offset: number, length: number, size: number): ModelError =>
  new ModelError(
    "model/read-failed",
    `${where}: cannot read ${length} bytes from byte ${offset}; the source has ${size} bytes.`,
    { where, offset, length, size },
  );

/**
 * The weights file ends too early.
 * @remedy Download it again.
 */
export const truncated = (where: string, what: string, expected: number, found: number): ModelError =>
  new ModelError(
    "checkpoint/truncated",
    `${where}: the file ends too early: ${shown(what)} needs ${expected} bytes, the file has ${found}. The file is incomplete: download it again.`,
    { where, what, expected, found },
  );

/**
 * The weights file is damaged, or does not follow its format.
 * @remedy Download it again.
 */
export const malformed = (where: string, detail: string): ModelError =>
  new ModelError("checkpoint/malformed", `${where}: ${shown(detail, MAX_DETAIL)}. ${DAMAGED}`, {
    where,
    detail,
  });

/**
 * A number in the weights file is above any limit that a model of this family needs. Nothing was read.
 * @remedy Give the weights of a BLIP model.
 */
export const overLimit = (where: string, what: string, found: number | string, limit: number): ModelError =>
  new ModelError(
    "checkpoint/limit",
    `${where}: ${shown(what)} is ${found}, more than the limit of ${limit}. No model of this family needs that much. Nothing was read.`,
    { where, what, found, limit },
  );

/**
 * The tensors of a PyTorch file repeat its bytes many times over. Nothing was read.
 * @remedy If you trust the file, save it with contiguous tensors, or as safetensors.
 */
export const repeatedStorage = (where: string, found: number, size: number, limit: number): ModelError =>
  new ModelError(
    "checkpoint/limit",
    `${where}: expected tensors of at most ${limit} bytes in total in a file of ${size}, got ${found}: they repeat the ` +
      "file's bytes. Nothing was read. If you trust it, save it with contiguous tensors, or as safetensors.",
    { where, found, size, limit },
  );

/**
 * The weights file uses an unsupported feature.
 * @remedy Follow the advice in the message; usually, save the weights as safetensors.
 */
export const unsupported = (where: string, what: string, advice: string): ModelError =>
  new ModelError("checkpoint/unsupported", `${where}: ${shown(what, MAX_DETAIL)}. ${advice}`, {
    where,
    what,
  });

/**
 * The file is neither safetensors nor a PyTorch checkpoint.
 * @remedy Give one of these.
 */
export const unknownFormat = (where: string, found: string, advice: string): ModelError =>
  new ModelError(
    "checkpoint/unknown-format",
    `${where}: expected a safetensors file or a PyTorch checkpoint, got ${found}. ${advice}`,
    { where, found },
  );

/**
 * A tensor has an unsupported element type.
 * @remedy Save the weights in one of the types that the message lists.
 */
export const unsupportedDType = (
  where: string,
  tensor: string,
  dtype: string,
  known: readonly string[],
): ModelError =>
  new ModelError(
    "checkpoint/dtype",
    `${where}: ${shown(tensor)} has the unsupported type ${shown(dtype)}. Supported: ${known.join(", ")}. Save the weights in one of these.`,
    { where, tensor, dtype, known },
  );

/**
 * The pickle names a Python global that weights do not need. No code was run.
 * @remedy If you trust the file, open it in PyTorch and save its state dict, or convert it to safetensors.
 */
export const refusedGlobal = (where: string, global: string): ModelError =>
  new ModelError(
    "checkpoint/pickle-global",
    `${where}: the pickle names the Python global ${shown(global)}, which weights do not need ` +
      "(they need tensors, storages, OrderedDict and plain data; settings of argparse, ruamel.yaml and NumPy are skipped). Nothing was run. " +
      "If you trust the file, open it in PyTorch and save only its state dict, or convert it to safetensors.",
    { where, global },
  );

/**
 * The pickle uses an opcode that torch.save does not write for weights. No code was run.
 * @remedy If you trust the file, open it in PyTorch and save its state dict again.
 */
export const refusedOpcode = (where: string, opcode: string, at: number): ModelError =>
  new ModelError(
    "checkpoint/pickle-opcode",
    `${where}: the pickle uses ${opcode} at byte ${at}, which torch.save does not write for weights. Nothing was run. ` +
      "If you trust the file, open it in PyTorch and save its state dict again.",
    { where, opcode, at },
  );

/**
 * The PyTorch archive lacks a member.
 * @remedy Download it again.
 */
export const missingMember = (where: string, member: string, advice = DAMAGED): ModelError =>
  new ModelError("checkpoint/missing-member", `${where}: the archive has no ${shown(member)}. ${advice}`, {
    where,
    member,
  });

/**
 * A name occurs twice in the weights file.
 * @remedy Download it again.
 */
export const duplicateName = (where: string, what: string, name: string): ModelError =>
  new ModelError(
    "checkpoint/duplicate",
    `${where}: ${what} ${shown(name)} occurs twice, which is ambiguous. ${DAMAGED}`,
    { where, what, name },
  );

/**
 * An entry of the checkpoint is not a tensor.
 * @remedy Save the model's state dict (bare, or under "model" or "state_dict").
 */
export const notATensor = (where: string, entry: string, found: string): ModelError =>
  new ModelError(
    "checkpoint/not-a-tensor",
    `${where}: expected a tensor at ${shown(entry)}, got ${shown(found)}. Save the model's state dict (bare, or under "model" or "state_dict").`,
    { where, entry, found },
  );

export const counted = (number: number, singular: string, many = `${singular}s`) =>
  `${number} ${number === 1 ? singular : many}`;

export interface DisagreeingShards {
  readonly missing: readonly string[];
  readonly duplicated: readonly string[];
  readonly unlisted: readonly string[];
}

/**
 * The index of a sharded model disagrees with its files.
 * @remedy Download the index and the shards again, from the same revision.
 */
export function disagreeingShards(where: string, lists: DisagreeingShards): ModelError {
  const parts = [
    lists.missing.length > 0 && `${lists.missing.length} not in the file it names (${someOf(lists.missing)})`,
    lists.duplicated.length > 0 &&
      `${lists.duplicated.length} in more than one file (${someOf(lists.duplicated)})`,
    lists.unlisted.length > 0 &&
      `${lists.unlisted.length} in a file but not in the index (${someOf(lists.unlisted)})`,
  ].filter((part) => part !== false);
  return new ModelError(
    "checkpoint/shards",
    `${where}: the index and its files disagree. Tensors: ${parts.join("; ")}. Download index and shards again, of one revision.`,
    { where, ...lists },
  );
}

/**
 * A matrix of 8-bit weights is damaged or incomplete.
 * @remedy Write the folder again with `blip quantize`.
 */
export const badQuantized = (where: string, matrix: string, detail: string): ModelError =>
  new ModelError(
    "checkpoint/quantized",
    `${where}: the 8-bit matrix ${quoted(matrix)} cannot be used: ${detail}. Write the folder again with \`blip quantize\`.`,
    { where, matrix, detail },
  );
