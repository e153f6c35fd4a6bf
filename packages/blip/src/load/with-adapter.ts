// A model with an adapter: its weights as they are with the adapter's updates, merged before anything is converted.
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

/** What of a platform adapters need. */
export type AdapterPlatform = Pick<Platform<never>, "openAdapter" | "deriveWeights" | "warn">;

/** Raised when other bytes come of the same weights and adapter, so that what was kept is made anew. */
const recipeVersion = 1;

interface Merging {
  readonly opened: OpenedModel;
  readonly adapter: Adapter;
  /** Of the adapter's weights. */
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
    // The adapter is one of the sources: what is made of the model with another one lies elsewhere.
    sources: [...new Set([...bases.map((base) => base.source), source])],
    type: "merged",
    recipe: JSON.stringify([recipeVersion, adapter.sha256, places]),
    bytes: () => safetensorsBytes(reported(made, file, options)),
    warn: options.onWarning ?? ((warning) => platform.warn(warning)),
  };
}

/**
 * A model with the adapter that options name, or as it is. The sums are made in double precision and rounded to float32
 * once; those of a file are kept as converted weights are, by the adapter's hash.
 * @param keep whether the platform may keep what is made, for the next time
 * @throws {UsageError} `adapter/not-an-adapter`, `adapter/quantized`, `adapter/platform`
 * @throws {ModelError} `adapter/...` if it is not plain LoRA, or of another model @throws the signal's reason
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
  // The revision is the model's.
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
