// The identity of a run: task, model, data, options. Rows of an earlier run are reused if both identities are equal.
import { atLeast, once } from "@blip-ts/base";
import { readTensorBytes } from "@blip-ts/checkpoint";
import { decodeDefaults } from "../processor/image-processor.ts";
import type { ImageConfig } from "../image/preprocess.ts";
import { imageConfigOf } from "../load/image-settings.ts";
import type { LoadedNetwork } from "../load/load-model.ts";
import type { OpenedModel } from "../load/open-model.ts";
import type { ModelFiles } from "../files.ts";
import type { BlipConfig } from "../model/config.ts";
import { version } from "../version.ts";
import { isImageEncoder } from "../weights/names.ts";
import type { Difference } from "./errors.ts";
import type { EvaluationHost } from "./host.ts";
import type { EvaluateOptions, EvaluationTask } from "./options.ts";
import type { Survey } from "./survey.ts";

/** The identity of a model: its weights, and all settings in its files that affect a number. */
export interface ModelIdentity {
  /** The model's name, as it was given. */
  readonly name: string;
  /**
   * SHA-256 of the weights file. With several files, it covers all files in the order of their names. For a suite, it
   * is that of the part's file.
   */
  readonly sha256: string;
  /**
   * For a suite: SHA-256 of the weights of its image encoder, which have their own file. For any other model undefined,
   * because `sha256` covers them.
   */
  readonly imageEncoder?: string;
  /** SHA-256 of the tokenizer's files and of the ids of special tokens. */
  readonly tokenizer: string;
  /** The settings that turn images into pixel values. */
  readonly images: ImageConfig;
  /** The model's parsed configuration, including heads and epsilons. */
  readonly config: BlipConfig;
}

export interface Identity {
  /** The evaluated task. */
  readonly task: EvaluationTask;
  /** This package's version. */
  readonly version: string;
  /** The model: its name, its weights and its settings. */
  readonly model: ModelIdentity;
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

type Hashing = Pick<EvaluationHost, "hasher">;

/** SHA-256 of a model's weights files, in the order of their names. */
async function weightsHash(host: Hashing, { weights }: ModelFiles, signal?: AbortSignal): Promise<string> {
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

/**
 * SHA-256 of the image encoder's weights, in the order of their names.
 * @throws {ModelError} if the weights cannot be read @throws the signal's reason
 */
export async function encoderHash(
  host: Hashing,
  { opened }: Pick<LoadedNetwork, "opened">,
  signal?: AbortSignal,
): Promise<string> {
  const hasher = host.hasher();
  const own = [...opened.tensors].filter(([name]) => isImageEncoder(name));
  for (const [name, tensor] of own.sort(([a], [b]) => (a < b ? -1 : 1))) {
    signal?.throwIfAborted();
    hasher.update(`${name} ${tensor.dtype} ${tensor.shape.join("x")}\n`);
    hasher.update(await readTensorBytes(tensor));
  }
  return hasher.digest();
}

/** SHA-256 of the files that `readTokenizer` reads, and of the ids of special tokens. */
async function tokenizerHash(host: Hashing, { opened: { files }, tokens }: LoadedNetwork): Promise<string> {
  const own = (await files.read("tokenizer.json")) ?? (await files.read("vocab.txt"));
  const config = own === undefined ? undefined : await files.read("tokenizer_config.json");
  const hasher = host.hasher();
  hasher.update(JSON.stringify([own ?? null, config ?? null, tokens]));
  return hasher.digest();
}

type WeightsIdentity = Pick<ModelIdentity, "sha256" | "imageEncoder">;

const weightsIdentity = async (
  host: Hashing,
  opened: OpenedModel,
  signal?: AbortSignal,
): Promise<WeightsIdentity> => ({
  sha256: await weightsHash(host, opened.files, signal),
  ...(opened.inSuite === true && { imageEncoder: await encoderHash(host, { opened }, signal) }),
});

/**
 * The identities of models. A file that several of them use is read once.
 * @throws {ModelError} if a model's files cannot be read @throws the signal's reason
 */
export async function modelIdentities(
  host: Hashing,
  models: readonly LoadedNetwork[],
  signal?: AbortSignal,
): Promise<ModelIdentity[]> {
  const weights = new Map<OpenedModel, Promise<WeightsIdentity>>();
  const identities: ModelIdentity[] = [];
  for (const loaded of models) {
    const { opened, imageSize, config } = loaded;
    identities.push({
      name: opened.files.name,
      ...(await once(weights, opened, () => weightsIdentity(host, opened, signal))),
      tokenizer: await tokenizerHash(host, loaded),
      images: await imageConfigOf(opened, imageSize),
      config,
    });
  }
  return identities;
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
  const { limit } = options;
  const all = { ...loadingOptions(options, loaded), limit, ...decides };
  const [model] = atLeast(await modelIdentities(host, [loaded], options.signal), 1);
  return {
    task,
    version,
    model,
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

/** A compared value: what it is, in this run, in the other run. */
export type ComparedValue = readonly [what: string, wanted: unknown, other: unknown];

/** The fields of two records. A log of an earlier version may lack the record. */
export function comparedFields(what: string, wanted: object, other: object = {}): ComparedValue[] {
  const [own, others] = [new Map(Object.entries(wanted)), new Map(Object.entries(other))];
  return [...new Set([...own.keys(), ...others.keys()])].map((name) => [
    `${what} ${name}`,
    own.get(name),
    others.get(name),
  ]);
}

/** All parts of two models, except their names. @param role `model`, `captioner`, `filter` */
export const comparedModels = (
  role: string,
  wanted: ModelIdentity,
  other: ModelIdentity,
): ComparedValue[] => [
  [`${role} (SHA-256 of its weights)`, wanted.sha256, other.sha256],
  [`${role} (SHA-256 of its image encoder)`, wanted.imageEncoder, other.imageEncoder],
  [`${role} (SHA-256 of its tokenizer)`, wanted.tokenizer, other.tokenizer],
  ...comparedFields(`${role}'s image setting`, wanted.images, other.images),
  [`sizes of the ${role}`, wanted.config, other.config],
];

/** The values that differ, for messages. */
export const differing = (compared: readonly ComparedValue[]): Difference[] =>
  compared.flatMap(([what, wanted, other]) =>
    JSON.stringify(wanted) === JSON.stringify(other)
      ? []
      : [{ what, expected: said(wanted), found: said(other) }],
  );

/** The differences between two runs, ignoring names of files. */
export const differences = (wanted: Identity, other: Identity): Difference[] =>
  differing([
    ["task", wanted.task, other.task],
    ["version of blip-ts", wanted.version, other.version],
    ...comparedModels("model", wanted.model, other.model),
    ["data (SHA-256 of its rows)", wanted.data.sha256, other.data.sha256],
    ...comparedFields("option", wanted.options, other.options),
  ]);
