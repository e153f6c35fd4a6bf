// Runs the text decoder of a loaded network. Its caches stay in the engine's memory: cross-attention keys and values
// are computed once, and self-attention keys and values grow step by step. Only logits are returned.
import { floatTensor, int64Tensor, type Graph, type Tensor } from "@blip-ts/graph";
import type { NextTokenModel } from "../decode/next-token-model.ts";
import type { BlipConfig } from "../model/config.ts";
import { decodeGraph, crossKeysAndValuesGraph, scoreGraph, selectGraph } from "../model/decoder.ts";
import { cacheNames } from "../model/kv-cache.ts";
import {
  type EngineSession,
  type Feeds,
  float32Output,
  type ResidentTensor,
  type RunOptions,
} from "@blip-ts/engine";
import { atLeast, must, unlessAborted } from "@blip-ts/base";
import type { LoadedNetwork } from "../load/load-model.ts";
import { decoderWidth } from "../tasks/graphs.ts";

/** The sessions of this group share the caches. */
const group = "decoder";

type Resident = Record<string, ResidentTensor>;

/** Returns the names of the select graph's outputs. */
const selectedNames = (names: readonly string[]): string[] => names.map((name) => `selected.${name}`);

/** The likelihood of a token at its position. */
export interface TokenScore {
  /** The natural logarithm of the token's probability. */
  readonly logProbability: number;
  /** The mean log-probability over the vocabulary, used by label smoothing. */
  readonly meanLogProbability: number;
}

export class TextDecoder {
  readonly #loaded: LoadedNetwork;

  constructor(loaded: LoadedNetwork) {
    this.#loaded = loaded;
  }

  get config(): BlipConfig {
    return this.#loaded.config;
  }

  /** Whether the caches have half precision. */
  get halfCaches(): boolean {
    return this.#loaded.network.dtype === "fp16";
  }

  /** Starts loading the sessions. A failure is reported at their first use. */
  prepare(): void {
    for (const session of [() => this.#crossKeysAndValues(), () => this.decode()])
      session().catch(() => undefined);
  }

  /**
   * Opens a run over the states that the decoder attends to.
   * @param states [I, N, D], of images or of questions
   * @param mask [I, N], 1 for states, 0 for padding; given if the decoder attends to questions
   */
  async open(
    states: Tensor<"float32">,
    mask: Tensor<"int64"> | undefined,
    options: RunOptions = {},
  ): Promise<DecoderRun> {
    const session = await unlessAborted(this.#crossKeysAndValues(), options.signal);
    const names = cacheNames("cross", this.config.text);
    const { retained } = await session.runRetaining({ encoder_hidden_states: states }, names, options);
    return new DecoderRun(this, session, retained, mask, must(states.dims, 0), options);
  }

  #crossKeysAndValues(): Promise<EngineSession> {
    const width = decoderWidth(this.#loaded.opened.architecture, this.config);
    const keep = cacheNames("cross", this.config.text);
    const ofQuestions = this.#loaded.opened.architecture.decoderAttendsTo === "question";
    return this.#session("cross-kv", () => crossKeysAndValuesGraph(this.config, width), keep, ofQuestions);
  }

  decode(): Promise<EngineSession> {
    const encoderMask = this.#loaded.opened.architecture.decoderAttendsTo === "question";
    const keep = ["hidden", ...cacheNames("present", this.config.text)];
    return this.#session("decode", () => decodeGraph(this.config, { encoderMask }), keep);
  }

  score(): Promise<EngineSession> {
    return this.#session("score", () => scoreGraph(this.config));
  }

  select(): Promise<EngineSession> {
    const keep = selectedNames(cacheNames("cross", this.config.text));
    return this.#session("select", () => selectGraph(this.config), keep);
  }

  #session(
    key: string,
    build: () => Graph,
    keep: readonly string[] = [],
    prepack = true,
  ): Promise<EngineSession> {
    return this.#loaded.network.session(`decoder ${key}`, build, { group, retain: keep, prepack });
  }
}

/** New tokens of rows [R, T]. The position of padding is greater than every token's position. */
interface NewTokens {
  readonly ids: readonly (readonly number[])[];
  readonly positions: readonly (readonly number[])[];
  readonly keys: readonly (readonly number[])[];
}

/** The network's outputs for new tokens. */
interface Advanced {
  /** [R, T, D], to be released by the caller. */
  readonly hidden: ResidentTensor;
  /** Logits of the chosen states, [Q, V]. */
  readonly logits: Float32Array;
}

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

/** A run: sequences that attend to the same states. Closing it frees its tensors in the engine. */
export class DecoderRun implements NextTokenModel {
  readonly #decoder: TextDecoder;
  readonly #engine: EngineSession;
  readonly #options: RunOptions;
  #crossKeysAndValues: Resident;
  #mask: Tensor<"int64"> | undefined;
  #images: number;
  #past: Resident | undefined;
  /** The positions of each row's previous tokens, padding included, in the order of the cache. */
  #keys: readonly (readonly number[])[] = [];

  constructor(
    decoder: TextDecoder,
    engine: EngineSession,
    crossKeysAndValues: Resident,
    mask: Tensor<"int64"> | undefined,
    images: number,
    options: RunOptions,
  ) {
    this.#decoder = decoder;
    this.#engine = engine;
    this.#crossKeysAndValues = crossKeysAndValues;
    this.#mask = mask;
    this.#images = images;
    this.#options = options;
  }

  get vocabSize(): number {
    return this.#decoder.config.text.vocabSize;
  }

  async start(prompts: readonly (readonly number[])[]): Promise<Float32Array> {
    return this.#lastLogits(range(prompts.length), prompts);
  }

  async step(parents: readonly number[], tokens: readonly number[]): Promise<Float32Array> {
    return this.#lastLogits(
      parents,
      tokens.map((token) => [token]),
    );
  }

  /** Computes the logits after every token of the sequences, which have equal length: [R, T, V]. */
  async allLogits(sequences: Tensor<"int64">, mask: Tensor<"int64">): Promise<Tensor<"float32">> {
    const [R, T] = atLeast(sequences.dims, 2);
    const rows = range(R).map((row) => Array.from(sequences.data.subarray(row * T, (row + 1) * T), Number));
    const keys = rows.map((tokens, row) =>
      tokens.map((_, index) => (mask.data[row * T + index] === 0n ? this.#hidden : index)),
    );
    const positions = rows.map((tokens) => tokens.map((_, index) => index));
    const { hidden, logits } = await this.#advance(range(R), { ids: rows, positions, keys }, range(R * T));
    this.#engine.release([hidden]);
    return floatTensor([R, T, this.vocabSize], logits);
  }

  /**
   * Scores `labels[r]` after appending `tokens[r]` to row `parents[r]`. Returns one score per label. The rows of the
   * run do not change.
   */
  async scores(
    parents: readonly number[],
    tokens: readonly (readonly number[])[],
    labels: readonly (readonly number[])[],
  ): Promise<TokenScore[][]> {
    const length = Math.max(...tokens.map((row) => row.length));
    // The logits of the LM head are not needed here, so it gets a single row.
    const { hidden } = await this.#extend(parents, tokens, [0], false);
    try {
      const rows = labels.flatMap((row, index) =>
        row.map((_, column) => (index + 1) * length - row.length + column),
      );
      const flat = labels.flat();
      const session = await unlessAborted(this.#decoder.score(), this.#options.signal);
      const outputs = await session.run(
        { hidden, rows: int64Tensor([rows.length], rows), labels: int64Tensor([flat.length], flat) },
        this.#options,
      );
      const chosen = float32Output(outputs, "log_probability").data;
      const means = float32Output(outputs, "mean_log_probability").data;
      let next = 0;
      return labels.map((row) =>
        row.map(() => {
          const index = next++;
          return { logProbability: must(chosen, index), meanLogProbability: must(means, index) };
        }),
      );
    } finally {
      this.#engine.release([hidden]);
    }
  }

  /** Frees the tensors in the engine. A second call has no effect. */
  close(): void {
    this.#engine.release([...Object.values(this.#crossKeysAndValues), ...Object.values(this.#past ?? {})]);
    this.#crossKeysAndValues = {};
    this.#past = undefined;
  }

  /** The position of padding, which is greater than every token's position, so that no token attends to padding. */
  get #hidden(): number {
    return this.#decoder.config.text.maxPositions;
  }

  async #lastLogits(
    parents: readonly number[],
    tokens: readonly (readonly number[])[],
  ): Promise<Float32Array> {
    const length = Math.max(...tokens.map((row) => row.length));
    const last = tokens.map((_, row) => (row + 1) * length - 1);
    const { hidden, logits } = await this.#extend(parents, tokens, last);
    this.#engine.release([hidden]);
    return logits;
  }

  /** Appends tokens to rows. Pads shorter lists of tokens on the left, so that each row's last token comes last. */
  #extend(
    parents: readonly number[],
    tokens: readonly (readonly number[])[],
    rows: readonly number[],
    goOn = true,
  ): Promise<Advanced> {
    const length = Math.max(...tokens.map((row) => row.length));
    const [ids, positions, keys]: [number[][], number[][], number[][]] = [[], [], []];
    tokens.forEach((row, index) => {
      const before = this.#keysOf(must(parents, index));
      const first = before.filter((position) => position !== this.#hidden).length;
      const padding = range(length - row.length);
      ids.push([...padding.map(() => 0), ...row]);
      positions.push([...padding.map(() => 0), ...row.map((_, offset) => first + offset)]);
      keys.push([...padding.map(() => this.#hidden), ...row.map((_, offset) => first + offset)]);
    });
    return this.#advance(parents, { ids, positions, keys }, rows, goOn);
  }

  /** Runs the network over new tokens [R, T]. With `goOn`, the new rows replace the rows of the cache. */
  async #advance(
    parents: readonly number[],
    { ids, positions, keys }: NewTokens,
    rows: readonly number[],
    goOn = true,
  ): Promise<Advanced> {
    const { text } = this.#decoder.config;
    const session = await unlessAborted(this.#decoder.decode(), this.#options.signal);
    await this.#dropImages(parents);
    const [R, T] = [ids.length, must(ids, 0).length];
    const allKeys = keys.map((row, index) => [...this.#keysOf(must(parents, index)), ...row]);
    const feeds: Feeds = {
      input_ids: int64Tensor([R, T], ids.flat()),
      position_ids: int64Tensor([R, T], positions.flat()),
      key_positions: int64Tensor([R, must(allKeys, 0).length], allKeys.flat()),
      row_index: int64Tensor([R], parents),
      rows: int64Tensor([rows.length], rows),
      ...(this.#past ?? this.#emptyPast(R)),
      ...this.#crossKeysAndValues,
      ...(this.#mask && { encoder_attention_mask: this.#mask }),
    };
    const keep = ["hidden", ...cacheNames("present", text)];
    const { tensors, retained } = await session.runRetaining(feeds, keep, this.#options);
    const { hidden, ...present } = retained;
    if (!hidden) throw new Error("the decoder gave no states");
    const logits = float32Output(tensors, "logits").data;
    if (!goOn) {
      this.#engine.release(Object.values(present));
      return { hidden, logits };
    }
    this.#engine.release(Object.values(this.#past ?? {}));
    this.#past = Object.fromEntries(
      Object.entries(present).map(([name, tensor]) => [name.replace("present", "past"), tensor]),
    );
    this.#keys = allKeys;
    return { hidden, logits };
  }

  /** Returns the positions of a row's keys in the cache; none before the first step. */
  #keysOf(row: number): readonly number[] {
    return this.#past ? must(this.#keys, row, "rows of the cache") : [];
  }

  #emptyPast(rows: number): Feeds {
    const { heads, hiddenSize } = this.#decoder.config.text;
    const dims = [rows, heads, 0, hiddenSize / heads];
    const empty: Tensor = this.#decoder.halfCaches
      ? { dtype: "float16", dims, data: new Uint16Array(0) }
      : floatTensor(dims, []);
    return Object.fromEntries(cacheNames("past", this.#decoder.config.text).map((name) => [name, empty]));
  }

  /** Drops images whose sequences have all ended. */
  async #dropImages(parents: readonly number[]): Promise<void> {
    if (!this.#past) return;
    const rowsPerImage = this.#keys.length / this.#images;
    const images = [...new Set(parents.map((parent) => Math.floor(parent / rowsPerImage)))];
    if (images.length === this.#images) return;
    const session = await unlessAborted(this.#decoder.select(), this.#options.signal);
    const names = cacheNames("cross", this.#decoder.config.text);
    const { retained } = await session.runRetaining(
      { image_index: int64Tensor([images.length], images), ...this.#crossKeysAndValues },
      selectedNames(names),
      this.#options,
    );
    this.#engine.release(Object.values(this.#crossKeysAndValues));
    this.#crossKeysAndValues = Object.fromEntries(
      Object.entries(retained).map(([name, tensor]) => [name.replace("selected.", ""), tensor]),
    );
    if (this.#mask) {
      const [, N] = atLeast(this.#mask.dims, 2);
      const { data } = this.#mask;
      const rows = images.flatMap((image) => [...data.subarray(image * N, (image + 1) * N)]);
      this.#mask = { dtype: "int64", dims: [images.length, N], data: BigInt64Array.from(rows) };
    }
    this.#images = images.length;
  }
}
