// Applies an adapter to a model: merges the adapter's updates into the weights before any conversion.
import { safetensorsBytes } from "@blip-ts/checkpoint";
import { unlessAborted } from "@blip-ts/base";
import { mergedTensors, noAdapters, quantizedBase, readAdapter, type Adapter } from "../adapter/index.ts";
import type { DerivedWeights } from "../files.ts";
import type { Platform } from "../platform.ts";
import { withTiedHead } from "../weights/tied-head.ts";
import { derivedInMemory } from "./converted-in-memory.ts";
import { keptTensors } from "./kept-weights.ts";
import type { ModelOptions } from "./model-options.ts";
import type { OpenedModel } from "./open-model.ts";
import { reported } from "./weight-dtype.ts";

/** The platform functions that adapters need. */
export type AdapterPlatform = Pick<Platform<never>, "openAdapter" | "deriveWeights" | "warn">;

/** The version of merging. Increase it if merging gives other bytes, so that cached weights are merged again. */
const recipeVersion = 1;

interface Merging {
  readonly opened: OpenedModel;
  readonly adapter: Adapter;
  /** The source of the adapter's weights. */
  readonly source: DerivedWeights["sources"][number];
}

function derivedOf(
  platform: AdapterPlatform,
  { opened, adapter, source }: Merging,
  options: ModelOptions,
): DerivedWeights {
  const tensors = withTiedHead(opened.tensors);
  const made = mergedTensors(opened.files.name, tensors, adapter);
  const bases = [...tensors].flatMap(([name, tensor]) => (made.has(name) ? [tensor] : []));
  const places = bases.map(({ name, dtype, shape, offset, strides }) => [
    name,
    ...[dtype, shape, offset, strides],
  ]);
  const file = `${opened.files.name} with ${adapter.name}`;
  return {
    // The adapter is one of the sources, so weights merged with another adapter have another key.
    sources: [...new Set([...bases.map((base) => base.source), source])],
    type: "merged",
    recipe: JSON.stringify([recipeVersion, adapter.sha256, places]),
    bytes: () => safetensorsBytes(reported(made, file, options)),
    warn: options.onWarning ?? ((warning) => platform.warn(warning)),
  };
}

/**
 * Merges `options.adapter`, if given, into a model. Sums are computed in double precision and rounded to float32 once.
 * Merged weights are cached like converted weights, with the adapter's hash in the key.
 * @param keep whether the platform may cache the merged weights for later loads
 * @throws {UsageError} `adapter/not-an-adapter`, `adapter/quantized`, `adapter/platform`
 * @throws {ModelError} `adapter/...` if the adapter is not plain LoRA or belongs to another model
 * @throws the signal's reason
 */
export async function withAdapter(
  platform: AdapterPlatform,
  opened: OpenedModel,
  options: ModelOptions,
  keep = true,
): Promise<OpenedModel> {
  const { adapter: name, signal } = options;
  if (name === undefined) return opened;
  if (!platform.openAdapter) throw noAdapters(name);
  // The revision applies to the model only.
  const files = await unlessAborted(platform.openAdapter(name, { ...options, revision: undefined }), signal);
  if (opened.quantized.size > 0) throw quantizedBase(name, opened.files.name);
  const adapter = await unlessAborted(readAdapter(files), signal);
  const derived = derivedOf(platform, { opened, adapter, source: files.weights }, options);
  const tensors = await unlessAborted(
    keptTensors(keep ? platform : { deriveWeights: (weights) => derivedInMemory(weights) }, derived),
    signal,
  );
  return {
    ...opened,
    tensors: new Map([...opened.tensors, ...tensors]),
    adapter: { name: adapter.name, sha256: adapter.sha256 },
  };
}
