// The code in a thread of ONNX Runtime, in Node or in a page. ONNX Runtime blocks the thread that calls it, so it must
// not run in the caller's thread. Answers the messages of `worker-engine.ts`.
import { BlipError, plainError } from "@blip-ts/base";
import type { DType, Tensor } from "@blip-ts/graph";
import type * as common from "onnxruntime-common";
import type { ResidentTensor } from "../engine.ts";
import type { WorkerOutputs, WorkerReply, WorkerRequest } from "./messages.ts";

/** ONNX Runtime from either package: both have the interface of onnxruntime-common. */
export type OnnxRuntime = Pick<typeof common, "InferenceSession" | "Tensor">;

/** The runtime of this thread. */
export interface Runtime {
  readonly ort: OnnxRuntime;
  readonly executionProviders: readonly common.InferenceSession.ExecutionProviderConfig[];
  /** The place of retained outputs. Default: the processor's memory. */
  readonly keptLocation?: "gpu-buffer";
}

/**
 * Makes ONNX Runtime pass half floats as bits, in Uint16Array. If the platform has Float16Array (Node from 24 on, Bun,
 * Deno, newer browsers), ONNX Runtime's packages would use it. onnxruntime-node 1.30 then counts no bytes in an input
 * ("not enough space: expected 20800, got 0"), and outputs could have either type. Call this in a thread of ONNX
 * Runtime before loading it, because it may check only once. Nothing else in the thread uses the type.
 */
export function passHalvesAsBits(): void {
  Reflect.deleteProperty(globalThis, "Float16Array");
}

const sessions = new Map<number, common.InferenceSession>();
/** The sessions of which ONNX Runtime writes a trace. */
const profiled = new WeakSet<common.InferenceSession>();
/** Outputs that stay here until they are freed, by number. */
const residents = new Map<number, common.Tensor>();
let nextResident = 0;

function toOrt({ ort }: Runtime, feed: Tensor | ResidentTensor): common.Tensor {
  if ("resident" in feed) {
    const retained = residents.get(feed.resident);
    if (!retained) throw new Error("a retained tensor no longer exists");
    return retained;
  }
  const { dtype, data, dims } = feed;
  switch (dtype) {
    case "float32":
      return new ort.Tensor("float32", data, dims);
    case "int64":
      return new ort.Tensor("int64", data, dims);
    case "float16":
      return new ort.Tensor("float16", data, dims);
    default:
      throw new Error(`inputs of type ${dtype} are not passed to the engine`);
  }
}

/**
 * Converts an output in the processor's memory. Nothing is ever downloaded from a device: ONNX Runtime itself copies
 * outputs that it need not leave there. onnxruntime-node 1.30 ends the process when data of a tensor on a device is
 * read.
 */
function fromOrt(tensor: common.Tensor): Tensor {
  if (tensor.location !== "cpu") throw new Error("an output to be retained cannot be returned");
  const { data, dims } = tensor;
  if (data instanceof Float32Array) return { dtype: "float32" satisfies DType, dims, data };
  if (data instanceof BigInt64Array) return { dtype: "int64" satisfies DType, dims, data };
  if (data instanceof Uint16Array) return { dtype: "float16" satisfies DType, dims, data };
  throw new Error(`outputs of type ${tensor.type} are not passed from the engine`);
}

/** The supported types of retained outputs. */
const keptTypes: Partial<Record<common.Tensor.Type, DType>> = {
  float32: "float32",
  float16: "float16",
  int64: "int64",
};

/** Keeps an output where it is. */
function retain(tensor: common.Tensor): ResidentTensor {
  const dtype = keptTypes[tensor.type];
  if (!dtype) throw new Error(`outputs of type ${tensor.type} are not retained`);
  const resident = nextResident++;
  residents.set(resident, tensor);
  return { resident, dtype, dims: tensor.dims, onDevice: tensor.location !== "cpu" };
}

/** Frees a resident tensor. The garbage collector does not free a device's memory. */
function free(resident: number): void {
  const tensor = residents.get(resident);
  residents.delete(resident);
  if (tensor !== undefined && tensor.location !== "cpu") tensor.dispose();
}

function opened(id: number): common.InferenceSession {
  const session = sessions.get(id);
  if (!session) throw new Error("the session is not open");
  return session;
}

async function run(
  runtime: Runtime,
  request: WorkerRequest & { readonly kind: "run" },
): Promise<WorkerOutputs> {
  const session = opened(request.session);
  const feeds = Object.fromEntries(
    Object.entries(request.feeds).map(([name, feed]) => [name, toOrt(runtime, feed)]),
  );
  const outputs = await session.run(feeds);
  const result: WorkerOutputs = { tensors: {}, retained: {} };
  for (const [name, tensor] of Object.entries(outputs))
    if (request.retain.includes(name)) result.retained[name] = retain(tensor);
    else result.tensors[name] = fromOrt(tensor);
  return result;
}

async function handle(
  runtime: () => Promise<Runtime>,
  request: WorkerRequest,
): Promise<WorkerOutputs | undefined> {
  switch (request.kind) {
    case "create": {
      const { onnx, folder, external } = request.model;
      const config: Record<string, unknown> = {
        // Threads that keep spinning after a session's call would occupy the cores of the session that is called next.
        force_spinning_stop: "1",
        ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
      };
      const { ort, executionProviders, keptLocation } = await runtime();
      const session = await ort.InferenceSession.create(onnx, {
        executionProviders,
        graphOptimizationLevel: "all",
        // Only messages before a crash are logged: other failures are thrown.
        logSeverityLevel: 4,
        // Shapes change from call to call. A memory plan for each shape would only raise the peak.
        enableMemPattern: false,
        ...(request.threads === undefined ? {} : { intraOpNumThreads: request.threads }),
        ...(keptLocation && {
          preferredOutputLocation: Object.fromEntries(request.retain.map((name) => [name, keptLocation])),
        }),
        ...(request.profilePrefix !== undefined && {
          enableProfiling: true,
          profileFilePrefix: request.profilePrefix,
        }),
        externalData: external.map(({ location, data }) => ({ path: location, data })),
        extra: { session: { ...config, ...request.sessionConfig } },
      });
      sessions.set(request.session, session);
      if (request.profilePrefix !== undefined) profiled.add(session);
      return undefined;
    }
    case "run":
      return run(await runtime(), request);
    case "free": {
      request.tensors.forEach(free);
      return undefined;
    }
    case "release": {
      const session = sessions.get(request.session);
      // ONNX Runtime writes the trace only while the session exists.
      if (session && profiled.has(session)) session.endProfiling();
      await session?.release();
      sessions.delete(request.session);
      return undefined;
    }
  }
}

/**
 * Answers requests one after another: ONNX Runtime uses every core for each.
 * @param load returns the runtime; called once. If it fails, no session can be made.
 * @param post sends a reply with its buffers to transfer
 * @param call wraps a request's calls of the runtime
 */
export function hostSessions(
  load: () => Promise<Runtime>,
  post: (reply: WorkerReply, transfer: ArrayBuffer[]) => void,
  call: <T>(calls: () => Promise<T>) => Promise<T> = (calls) => calls(),
): (request: WorkerRequest) => void {
  let runtime: Promise<Runtime> | undefined;
  let queue: Promise<void> = Promise.resolve();
  return (request) => {
    queue = queue.then(async () => {
      let reply: WorkerReply;
      try {
        reply = { id: request.id, outputs: await call(() => handle(() => (runtime ??= load()), request)) };
      } catch (error) {
        const known = error instanceof BlipError ? plainError(error) : undefined;
        reply = { id: request.id, error: error instanceof Error ? error.message : String(error), known };
      }
      const buffers = Object.values(reply.outputs?.tensors ?? {}).map(
        ({ data }) => data.buffer as ArrayBuffer,
      );
      post(reply, buffers);
    });
  };
}
