// What training programs put before the names of all tensors of a model.
import type { StoredTensor } from "@blip-ts/checkpoint";

/** torch's DistributedDataParallel and DataParallel, torch.compile, and modules that hold the model as a member. */
const prefixes = ["module.", "_orig_mod.", "model."] as const;

/** What all names begin with of these, one after another: `module._orig_mod.`; empty if they do not. */
export function wrapperPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const outer = prefix;
    const next = prefixes.find((part) => names.every((name) => name.startsWith(outer + part)));
    if (names.length === 0 || next === undefined) return prefix;
    prefix += next;
  }
}

/** Tensors by their names without a prefix. */
export const withoutPrefix = (
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix: string,
): ReadonlyMap<string, StoredTensor> =>
  prefix === ""
    ? tensors
    : new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
