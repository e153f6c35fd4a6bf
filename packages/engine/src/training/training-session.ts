// Runs graphs with gradients over parameters at fixed places in memory. A separate thread computes, so the caller's
// event loop keeps running during a step.
import { asyncDispose, type Closable, orClosed, unlessAborted } from "@blip-ts/base";
import {
  emitOnnx,
  evaluateDim,
  formatShape,
  GraphBuilder,
  plainName,
  type Graph,
  type ParameterGradient,
  type Tensor,
} from "@blip-ts/graph";
import type { StoredTensor } from "@blip-ts/checkpoint";
import type { RunOptions } from "../engine.ts";
import { toEngineModel } from "../engine-model.ts";
import { engineRefused } from "../errors.ts";
import { TrainingThread, type StartTraining } from "./calls.ts";
import { missingFeed, unknownGraph, wrongFeed, wrongOutput } from "./errors.ts";
import { sequenceOutput, type OutputMode, type OutputType, type Probes, type Share } from "./messages.ts";
import type { Parameter, ParameterArray, PlaceOptions } from "./places.ts";
import type { Updated, UpdateSettings } from "./training-memory.ts";

export interface TrainingSessionOptions extends PlaceOptions, RunOptions {
  /** The threads of ONNX Runtime. Default: one per core. */
  readonly threads?: number | undefined;
  /** The way gradients reach their place. Default: the fastest one that a self-test finds. */
  readonly outputs?: OutputMode | undefined;
}

export interface TrainingGraphInput {
  /** The graph. Each input is a parameter of the session, by name, or is given with every run. */
  readonly graph: Graph;
  readonly gradients?: readonly ParameterGradient[];
  /** The weights that stay in the graph; they are not trained. */
  readonly weights?: ReadonlyMap<string, StoredTensor>;
}

export interface TrainingRun extends RunOptions {
  /** The outputs to return. */
  readonly wanted: readonly string[];
  /** Adds the gradients to the sum. The session must have `sums`. */
  readonly share?: Share | undefined;
}

/** A graph that the thread has loaded. */
interface KnownGraph {
  readonly graph: Graph;
  readonly parameters: ReadonlySet<string>;
  /** Outputs that every run must have: rows of embeddings. */
  readonly rows: readonly string[];
}

function probes(): Probes {
  const b = GraphBuilder.create("probe");
  const x = b.input("x", "float32", ["N"]);
  b.output("y", b.multiply(x, x));
  const graph = b.build();
  const none = (name: string): never => {
    throw new Error(`${name}: the probe has no weights`);
  };
  return { plain: emitOnnx(graph, none), sequence: emitOnnx(graph, none, { sequenceFirst: sequenceOutput }) };
}

export class TrainingSession implements Closable {
  /** The way gradients reach their place. */
  readonly outputs: OutputMode;
  /** The size of weights, gradients and moments. */
  readonly bytes: number;
  readonly #thread: TrainingThread;
  readonly #parameters: ReadonlyMap<string, Parameter>;
  readonly #graphs = new Map<string, KnownGraph>();
  #closing: Promise<void> | undefined;

  private constructor(
    thread: TrainingThread,
    parameters: readonly Parameter[],
    { outputs, bytes }: Pick<TrainingSession, "outputs" | "bytes">,
  ) {
    this.#thread = thread;
    this.#parameters = new Map(parameters.map((one) => [one.name, one]));
    this.outputs = outputs;
    this.bytes = bytes;
  }

  /**
   * Allocates memory for all parameters: 16 bytes per trained number, 20 with `sums`, 4 per other number. All numbers
   * start at 0.
   * @throws {UsageError} `train/parameter-size` @throws {ModelError} `train/memory`; `model/no-runtime` in a page
   */
  static async open(
    start: StartTraining,
    parameters: readonly Parameter[],
    { threads, outputs, signal, ...places }: TrainingSessionOptions = {},
  ): Promise<TrainingSession> {
    const thread = new TrainingThread(start);
    return orClosed(
      { close: () => thread.end() },
      async () => {
        const body = { parameters, places, threads, probes: probes(), outputs };
        const opened = await unlessAborted(thread.call("open", body), signal);
        return new TrainingSession(thread, parameters, opened);
      },
      signal,
    );
  }

  /**
   * Loads a graph. Every run overwrites the gradients of all parameters that have one in the graph.
   * @throws {ModelError} `model/engine`; also if a weight that stays in the graph cannot be read
   */
  async addGraph(
    name: string,
    { graph, gradients = [], weights = new Map() }: TrainingGraphInput,
  ): Promise<void> {
    const emit = { leavesLast: true, ...(this.outputs === "sequence" && { sequenceFirst: sequenceOutput }) };
    const model = await toEngineModel(graph, weights, emit);
    const parameters = graph.inputs.flatMap((input) =>
      this.#parameters.has(input.name) ? [input.name] : [],
    );
    const buffers = [model.onnx, ...model.external.map(({ data }) => data)].map(({ buffer }) => buffer);
    try {
      await this.#thread.call("graph", { name, model, parameters, gradients }, [...new Set(buffers)]);
    } catch (error) {
      throw error instanceof Error && "code" in error ? error : engineRefused(graph.name, error);
    }
    this.#graphs.set(name, {
      graph,
      parameters: new Set(parameters),
      rows: gradients.flatMap(({ rows }) => rows.flatMap((part) => [part.ids, part.rows])),
    });
  }

  /**
   * Runs a graph: writes the gradients to their places and returns the outputs in `wanted`.
   * @param feeds all inputs that are not parameters
   * @throws {UsageError} `train/feed` if an input is missing or has another type or shape, `train/output`
   */
  async run(
    name: string,
    feeds: Readonly<Record<string, Tensor>>,
    { wanted, share, signal }: TrainingRun,
  ): Promise<Record<string, Tensor>> {
    signal?.throwIfAborted();
    const known = this.#graphs.get(name);
    if (!known) throw unknownGraph(name, [...this.#graphs.keys()]);
    const binding = bind(known, feeds);
    const names = new Set([...known.rows, ...wanted]);
    const outputs = [...names].map((output) => outputType(known, output, binding));
    const otherFeeds = Object.fromEntries(
      known.graph.inputs.flatMap((input) => {
        const feed = feeds[input.name];
        return feed && !known.parameters.has(input.name) ? [[input.name, feed]] : [];
      }),
    );
    return unlessAborted(
      this.#thread.call("run", { graph: name, feeds: otherFeeds, outputs, wanted, share }),
      signal,
    );
  }

  /** Clips the gradients and updates all trained parameters. Nothing changes if the norm is not finite. */
  update(settings: UpdateSettings): Promise<Updated> {
    return this.#thread.call("update", settings);
  }

  /** Updates the followers: momentum * follower + (1 - momentum) * followed parameter. */
  async follow(momentum: number): Promise<void> {
    await this.#thread.call("follow", { momentum });
  }

  /** @throws {UsageError} `train/parameter`, `train/length` */
  async write(name: string, array: ParameterArray, values: Float32Array<ArrayBuffer>): Promise<void> {
    await this.#thread.call("write", { name, array, values });
  }

  /** A copy of an array. @throws {UsageError} `train/parameter` */
  read(name: string, array: ParameterArray): Promise<Float32Array<ArrayBuffer>> {
    return this.#thread.call("read", { name, array });
  }

  /** Waits for the running call, then frees everything. Further calls do nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    // A thread that has ended has nothing to free.
    await this.#thread.call("close", {}).catch(() => undefined);
    await this.#thread.end();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The values of the letters in a graph's shapes for this run. */
function bind(
  { graph, parameters }: KnownGraph,
  feeds: Readonly<Record<string, Tensor>>,
): Map<string, number> {
  const binding = new Map<string, number>();
  for (const { name, value } of graph.inputs) {
    if (parameters.has(name)) continue;
    const feed = feeds[name];
    const expected = `${value.dtype} ${formatShape(value.shape)}`;
    if (!feed) throw missingFeed(graph.name, name, expected);
    value.shape.forEach((dim, axis) => {
      const letter = plainName(dim);
      const size = feed.dims[axis];
      if (letter !== undefined && size !== undefined && !binding.has(letter)) binding.set(letter, size);
    });
    const fits =
      feed.dtype === value.dtype &&
      feed.dims.length === value.shape.length &&
      value.shape.every((dim, axis) => {
        const letter = plainName(dim);
        return feed.dims[axis] === (letter === undefined ? dim : binding.get(letter));
      });
    if (!fits) throw wrongFeed(graph.name, name, expected, `${feed.dtype} [${feed.dims.join(", ")}]`);
  }
  return binding;
}

function outputType({ graph }: KnownGraph, name: string, binding: ReadonlyMap<string, number>): OutputType {
  const found = graph.outputs.find((output) => output.name === name)?.value;
  if (!found || (found.dtype !== "float32" && found.dtype !== "int64"))
    throw wrongOutput(graph.name, name, found ? `one of type ${found.dtype}` : "none of this name");
  return { name, dtype: found.dtype, dims: found.shape.map((dim) => evaluateDim(dim, binding)) };
}
