// The code in a training session's thread: it holds the numbers, runs graphs over them and updates them. It blocks the
// thread that calls it, so it must not run in the caller's thread. Answers the messages of `training/messages.ts`.
import { BlipError, plainError } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type * as common from "onnxruntime-common";
import type {
  OutputMode,
  OutputType,
  TrainingCalls,
  TrainingFailure,
  TrainingGraphModel,
  TrainingReply,
  TrainingRequest,
} from "../training/messages.ts";
import { TrainingMemory } from "../training/training-memory.ts";
import { isOutOfMemory, stepOutOfMemory } from "../training/errors.ts";
import { outputModeOf, runInPlace } from "./output-mode.ts";
import type { OnnxRuntime, Runtime } from "./session-host.ts";

type Body<K extends keyof TrainingCalls> = TrainingCalls[K]["request"];

function toOrt(ort: OnnxRuntime, { dtype, data, dims }: Tensor): common.Tensor {
  switch (dtype) {
    case "float32":
      return new ort.Tensor("float32", data, dims);
    case "int64":
      return new ort.Tensor("int64", data, dims);
    case "uint8":
      return new ort.Tensor("uint8", data, dims);
    case "bool":
      return new ort.Tensor("bool", data, dims);
    default:
      throw new Error(`inputs of type ${dtype} are not passed to the engine`);
  }
}

type Numbers = Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

/** Arrays for outputs whose sizes change from batch to batch. Each grows to the largest requested size. */
class Buffers {
  readonly #arrays = new Map<string, Numbers>();

  get({ name, dtype, dims }: OutputType): Numbers {
    const length = dims.reduce((product, dim) => product * dim, 1);
    let array = this.#arrays.get(name);
    if (!array || array.length < length) {
      array = dtype === "int64" ? new BigInt64Array(length) : new Float32Array(length);
      this.#arrays.set(name, array);
    }
    return array.subarray(0, length);
  }
}

/** A graph with the tensors that stay the same in every run. */
class OpenGraph {
  readonly #runtime: Runtime;
  readonly #session: common.InferenceSession;
  readonly #memory: TrainingMemory;
  readonly #model: TrainingGraphModel;
  readonly #mode: OutputMode;
  readonly #feeds: Record<string, common.Tensor> = {};
  readonly #gradients: Record<string, common.Tensor> = {};
  readonly #buffers = new Buffers();

  constructor(
    runtime: Runtime,
    session: common.InferenceSession,
    memory: TrainingMemory,
    model: TrainingGraphModel,
    mode: OutputMode,
  ) {
    this.#runtime = runtime;
    this.#session = session;
    this.#memory = memory;
    this.#model = model;
    this.#mode = mode;
    const tensor = (name: string, array: "weight" | "gradient") =>
      new runtime.ort.Tensor("float32", memory.view(name, array), memory.place(name).parameter.dims);
    for (const name of model.parameters) this.#feeds[name] = tensor(name, "weight");
    for (const { name, dense } of model.gradients)
      if (dense !== undefined) this.#gradients[dense] = tensor(name, "gradient");
  }

  async run({ feeds, outputs, wanted }: Body<"run">): Promise<Record<string, Tensor>> {
    const { ort } = this.#runtime;
    const all = { ...this.#feeds };
    for (const [name, feed] of Object.entries(feeds)) all[name] = toOrt(ort, feed);
    const numbers = new Map(outputs.map((output) => [output.name, this.#buffers.get(output)]));
    if (this.#mode === "fresh") await this.#runFresh(all, numbers);
    else {
      const others = Object.fromEntries(
        outputs.map(({ name, dtype, dims }) => [name, new ort.Tensor(dtype, get(numbers, name), dims)]),
      );
      await runInPlace(this.#session, all, { ...this.#gradients, ...others }, this.#mode);
    }
    this.#addRows(numbers);
    const types = new Map(outputs.map((output) => [output.name, output]));
    return Object.fromEntries(
      wanted.map((name) => [name, copyOf(get(numbers, name), types.get(name)?.dims ?? [])]),
    );
  }

  async #runFresh(feeds: Record<string, common.Tensor>, numbers: ReadonlyMap<string, Numbers>) {
    const names = [...Object.keys(this.#gradients), ...numbers.keys()];
    const results = await this.#session.run(feeds, names);
    for (const name of names) {
      const [to, from] = [numbers.get(name) ?? this.#gradients[name]?.data, results[name]?.data];
      if (to instanceof Float32Array && from instanceof Float32Array) to.set(from);
      else if (to instanceof BigInt64Array && from instanceof BigInt64Array) to.set(from);
      else throw new Error(`${name}: expected numbers of the graph's type, got ${typeof from}`);
    }
  }

  /** Adds rows of embeddings outside the graph: ONNX's ScatterND loses some if several threads add (training.md). */
  #addRows(numbers: ReadonlyMap<string, Numbers>): void {
    for (const { name, dense, rows } of this.#model.gradients) {
      if (dense === undefined && rows.length > 0) this.#memory.view(name, "gradient").fill(0);
      for (const one of rows) {
        const [ids, values] = [get(numbers, one.ids), get(numbers, one.rows)];
        if (ids instanceof BigInt64Array && values instanceof Float32Array)
          this.#memory.addRows(name, ids, values);
      }
    }
  }

  get hasGradients(): boolean {
    return this.#model.gradients.length > 0;
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}

function get<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined)
    throw new Error(`${name}: expected an output or a graph of this session, got none`);
  return found;
}

const copyOf = (data: Numbers, dims: readonly number[]): Tensor =>
  data instanceof Float32Array
    ? { dtype: "float32", dims, data: data.slice() }
    : { dtype: "int64", dims, data: data.slice() };

/** The numbers and graphs of a session. */
class Host {
  readonly #load: () => Promise<Runtime>;
  readonly #graphs = new Map<string, OpenGraph>();
  #open:
    | {
        readonly runtime: Runtime;
        readonly memory: TrainingMemory;
        readonly mode: OutputMode;
        readonly threads: number | undefined;
      }
    | undefined;

  constructor(load: () => Promise<Runtime>) {
    this.#load = load;
  }

  get #opened() {
    if (!this.#open) throw new Error("the training session is not open");
    return this.#open;
  }

  async handle({ kind, body }: TrainingRequest): Promise<TrainingReply["result"]> {
    switch (kind) {
      case "open":
        return this.#begin(body);
      case "graph":
        return this.#addGraph(body);
      case "run":
        return this.#run(body);
      case "update":
        return this.#opened.memory.update(body);
      case "follow":
        this.#opened.memory.follow(body.momentum);
        return undefined;
      case "write":
        this.#opened.memory.write(body.name, body.array, body.values);
        return undefined;
      case "read":
        return this.#opened.memory.view(body.name, body.array).slice();
      case "close":
        await Promise.all([...this.#graphs.values()].map((graph) => graph.release()));
        this.#graphs.clear();
        this.#open = undefined;
        return undefined;
    }
  }

  async #begin({ parameters, places, threads, probes, outputs }: Body<"open">) {
    const runtime = await this.#load();
    const memory = new TrainingMemory(parameters, places);
    const mode = outputs ?? (await outputModeOf(runtime, probes));
    this.#open = { runtime, memory, mode, threads };
    return { outputs: mode, bytes: memory.bytes };
  }

  async #addGraph({ name, ...model }: Body<"graph">): Promise<undefined> {
    const { runtime, memory, mode, threads } = this.#opened;
    const { onnx, folder, external } = model.model;
    const session = await runtime.ort.InferenceSession.create(onnx, {
      executionProviders: runtime.executionProviders,
      // Higher levels fuse Transpose and MatMul into the slow form of a weight's gradient.
      graphOptimizationLevel: "basic",
      logSeverityLevel: 4,
      // A plan keeps all tensors of a step in one block: 400 MB more at base size.
      enableMemPattern: false,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
      externalData: external.map(({ location, data }) => ({ path: location, data })),
      extra: {
        session: {
          // The threads of one graph must not occupy the cores of the next graph or of the kernel.
          force_spinning_stop: "1",
          ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
        },
      },
    });
    this.#graphs.set(name, new OpenGraph(runtime, session, memory, model, mode));
    return undefined;
  }

  async #run(body: Body<"run">): Promise<Record<string, Tensor>> {
    const graph = get(this.#graphs, body.graph);
    const result = await graph.run(body);
    if (body.share && graph.hasGradients) this.#opened.memory.accumulate(body.share.share, body.share.first);
    return result;
  }
}

/** The operation of a request, for messages. */
const subjectOf = ({ kind, body }: TrainingRequest): string => {
  if (kind === "run") return `a run of the graph ${body.graph}`;
  return kind === "graph" ? `the graph ${body.name}` : `the training's numbers (${kind})`;
};

function failureOf(thrown: unknown, request: TrainingRequest): TrainingFailure {
  const error =
    !(thrown instanceof BlipError) && isOutOfMemory(thrown)
      ? stepOutOfMemory(subjectOf(request), thrown)
      : thrown;
  return {
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof BlipError && { known: plainError(error) }),
  };
}

function buffersOf(result: TrainingReply["result"]): ArrayBuffer[] {
  if (result instanceof Float32Array) return [result.buffer];
  if (typeof result !== "object") return [];
  return Object.values(result).flatMap((one: unknown) =>
    typeof one === "object" && one !== null && "data" in one && ArrayBuffer.isView(one.data)
      ? [one.data.buffer as ArrayBuffer]
      : [],
  );
}

/**
 * Answers requests one after another.
 * @param load returns the runtime
 * @param post sends a reply with its buffers to transfer
 * @param call wraps a request's calls of the runtime
 */
export function hostTraining(
  load: () => Promise<Runtime>,
  post: (reply: TrainingReply, transfer: ArrayBuffer[]) => void,
  call: <T>(calls: () => Promise<T>) => Promise<T> = (calls) => calls(),
): (request: TrainingRequest) => void {
  const host = new Host(load);
  let queue: Promise<void> = Promise.resolve();
  return (request) => {
    queue = queue.then(async () => {
      let reply: TrainingReply;
      try {
        reply = { id: request.id, result: await call(() => host.handle(request)) };
      } catch (error) {
        reply = { id: request.id, failure: failureOf(error, request) };
      }
      post(reply, buffersOf(reply.result));
    });
  };
}
