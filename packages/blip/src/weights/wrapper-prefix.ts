// Removes prefixes that training programs put before all of a model's tensor names.
import type { StoredTensor } from "@blip-ts/checkpoint";

/**
 * From torch's DistributedDataParallel and DataParallel, torch.compile, and modules that hold the model as a member.
 */
const prefixes = ["module.", "_orig_mod.", "model."] as const;

/** The chain of known prefixes that all names share, such as `module._orig_mod.`; empty if there is none. */
export function wrapperPrefix(names: readonly string[]): string {
  let prefix = "";
  for (;;) {
    const outer = prefix;
    const next = prefixes.find((part) => names.every((name) => name.startsWith(outer + part)));
    if (names.length === 0 || next === undefined) return prefix;
    prefix += next;
  }
}

/** Tensors by their names without the prefix. */
export const withoutPrefix = (
  tensors: ReadonlyMap<string, StoredTensor>,
  prefix: string,
): ReadonlyMap<string, StoredTensor> =>
  prefix === ""
    ? tensors
    : new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor]));
