// Names of the decoder's caches: the past and present keys and values of each layer's self-attention, and the keys and
// values of its cross-attention.
import { must } from "@blip-ts/base";
import { GraphBuilder } from "@blip-ts/graph";
import type { TextConfig } from "./config.ts";
import type { KeysAndValues } from "./text.ts";

export const pair = (name: string, layer: number) =>
  [`${name}.${layer}.key`, `${name}.${layer}.value`] as const;

/** The tensor names of a cache, by layer: `cross` for cross-attention, `past` and `present` for self-attention. */
export function cacheNames(name: "cross" | "past" | "present", { layers }: TextConfig): string[] {
  return Array.from({ length: layers }, (_, layer) => pair(name, layer)).flat();
}

/**
 * Whether a graph's input or output is a cache tensor. The rows that `selectGraph` selects are named
 * `selected.cross...`.
 */
export function isCacheName(name: string): boolean {
  const path = name.split(".");
  const [kind, layer, part] = path[0] === "selected" ? path.slice(1) : path;
  return ["cross", "past", "present"].includes(kind ?? "") && layer !== undefined && part !== undefined;
}

export function outputPairs(
  b: GraphBuilder,
  name: "cross" | "present",
  pairs: readonly KeysAndValues[],
): void {
  pairs.forEach(({ key, value }, layer) => {
    const [keys, values] = pair(name, layer);
    b.output(keys, key);
    b.output(values, value);
  });
}

/** Creates inputs [batch, H, length, K] for every layer's keys and values. */
export function inputPairs(
  b: GraphBuilder,
  name: "cross" | "past",
  batch: string,
  length: string,
  { heads, hiddenSize, layers }: TextConfig,
): KeysAndValues[] {
  return Array.from({ length: layers }, (_, layer) => {
    const [key, value] = pair(name, layer).map((input) =>
      b.input(input, "float32", [batch, heads, length, hiddenSize / heads]),
    );
    if (!key || !value) throw new Error("a pair has two parts");
    return { key, value };
  });
}

/** Returns the element of a layer. */
export function at<T>(list: readonly T[], index: number): T {
  return must(list, index, "layer");
}
