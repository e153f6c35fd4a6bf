// The identity of a run: task, model, data, options. Rows of an earlier run are reused if both identities are equal.
import { decodeDefaults } from "../processor/image-processor.ts";
import type { LoadedNetwork } from "../load/load-model.ts";
import type { ModelFiles } from "../files.ts";
import type { BlipConfig } from "../model/config.ts";
import { version } from "../version.ts";
import type { Difference } from "./errors.ts";
import type { EvaluationHost } from "./host.ts";
import type { EvaluateOptions, EvaluationTask } from "./options.ts";
import type { Survey } from "./survey.ts";

export interface Identity {
  /** The evaluated task. */
  readonly task: EvaluationTask;
  /** This package's version. */
  readonly version: string;
  /** The model: its name and its weights. */
  readonly model: {
    readonly name: string;
    /** SHA-256 of the weights file. With several files, it covers all files in the order of their names. */
    readonly sha256: string;
    /** The model's parsed configuration, including heads and epsilons. */
    readonly config: BlipConfig;
  };
  /** The data: its name, its number of rows and a checksum. */
  readonly data: {
    readonly name: string;
    readonly format: string;
    readonly rows: number;
    /** SHA-256 of the parsed rows, not of the file. */
    readonly sha256: string;
  };
  /** All options that affect a number, including options that were not given. */
  readonly options: Readonly<Record<string, unknown>>;
}

const chunkBytes = 1 << 23;

/** SHA-256 of a model's weights files, in the order of their names. */
export async function weightsHash(
  host: Pick<EvaluationHost, "hasher">,
  { weights }: ModelFiles,
  signal?: AbortSignal,
): Promise<string> {
  const hasher = host.hasher();
  const sources = weights.kind === "single" ? [weights.source] : [];
  if (weights.kind === "sharded") {
    const { weight_map: map = {} } = weights.index as { readonly weight_map?: Record<string, string> };
    for (const file of [...new Set(Object.values(map))].sort()) sources.push(await weights.open(file));
  }
  for (const source of sources)
    for (let offset = 0; offset < source.size; offset += chunkBytes) {
      signal?.throwIfAborted();
      hasher.update(await source.read(offset, Math.min(chunkBytes, source.size - offset)));
    }
  return hasher.digest();
}

/** The loading options that affect numbers, for any task. */
function loadingOptions(
  options: EvaluateOptions,
  { compat, imageSize, network, config, opened, generationConfig }: LoadedNetwork,
) {
  const { orientation, alpha, device = "cpu", revision } = options;
  const { pillowOrder, grey16 } = decodeDefaults(compat, options);
  const dtype = network.dtype;
  return {
    ...{ compat, dtype, device, imageSize, textHeads: config.text.heads, orientation, alpha, revision },
    // The adapter's content, independent of its path.
    adapter: opened.adapter?.sha256,
    generationConfig,
    ...{ pillowOrder, grey16 },
  };
}

/** Builds the identity of a run. @param decides further values that affect the task's numbers */
export async function identityOf(
  host: EvaluationHost,
  task: EvaluationTask,
  loaded: LoadedNetwork,
  {
    dataset,
    rows,
    sha256,
  }: Pick<Survey<never>, "rows" | "sha256"> & { dataset: { name: string; format: string } },
  options: EvaluateOptions,
  decides: Readonly<Record<string, unknown>>,
): Promise<Identity> {
  const { files } = loaded.opened;
  const { limit } = options;
  const all = { ...loadingOptions(options, loaded), limit, ...decides };
  return {
    task,
    version,
    model: {
      name: files.name,
      sha256: await weightsHash(host, files, options.signal),
      config: loaded.config,
    },
    data: { name: dataset.name, format: dataset.format, rows, sha256 },
    // Options that were not given are null, so they are also compared.
    options: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value ?? null])),
  };
}

const said = (value: unknown): string => {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
};

/** The differences between two runs, ignoring names of files. */
export function differences(wanted: Identity, other: Identity): Difference[] {
  const pairs: [string, unknown, unknown][] = [
    ["task", wanted.task, other.task],
    ["version of blip-ts", wanted.version, other.version],
    ["model (SHA-256 of its weights)", wanted.model.sha256, other.model.sha256],
    ["sizes of the model", wanted.model.config, other.model.config],
    ["data (SHA-256 of its rows)", wanted.data.sha256, other.data.sha256],
  ];
  for (const name of new Set([...Object.keys(wanted.options), ...Object.keys(other.options)]))
    pairs.push([`option ${name}`, wanted.options[name], other.options[name]]);
  return pairs.flatMap(([what, expected, other]) =>
    JSON.stringify(expected) === JSON.stringify(other)
      ? []
      : [{ what, expected: said(expected), found: said(other) }],
  );
}
