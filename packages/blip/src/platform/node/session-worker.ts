// The thread in which ONNX Runtime computes: its Node binding works inside the calling thread, so it may not be the
// caller's. Speaks the messages of `worker-engine.ts`.
import { setPriority } from "node:os";
import { platform } from "node:process";
import { parentPort } from "node:worker_threads";
import type { DType, Tensor } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { ResidentTensor } from "../../runtime/runtime.ts";
import type { WorkerOutputs, WorkerReply, WorkerRequest } from "./worker-messages.ts";

// On Linux a priority is a thread's own, and ONNX Runtime's threads inherit this one's: where all cores compute, the
// caller's event loop still gets its turn first (measured by bench/event-loop.mjs). Elsewhere it would be the process's.
if (platform === "linux") setPriority(0, 10);

const sessions = new Map<number, InferenceSession>();
/** Outputs that stay here until they are freed, by number. */
const residents = new Map<number, OrtTensor>();
let nextResident = 0;

function toOrt(feed: Tensor | ResidentTensor): OrtTensor {
  if ("resident" in feed) {
    const kept = residents.get(feed.resident);
    if (!kept) throw new Error("a tensor that was kept is gone");
    return kept;
  }
  const { dtype, data, dims } = feed;
  switch (dtype) {
    case "float32":
      return new OrtTensor("float32", data, dims);
    case "int64":
      return new OrtTensor("int64", data, dims);
    default:
      throw new Error(`inputs of type ${dtype} are not passed to the engine`);
  }
}

function fromOrt(tensor: OrtTensor): Tensor {
  const { data, dims } = tensor;
  if (data instanceof Float32Array) return { dtype: "float32" satisfies DType, dims, data };
  if (data instanceof BigInt64Array) return { dtype: "int64" satisfies DType, dims, data };
  throw new Error(`outputs of type ${tensor.type} are not passed from the engine`);
}

/** Keeps an output; elements of the types that outputs have. */
function keep(tensor: OrtTensor): ResidentTensor {
  const { dtype } = fromOrt(tensor);
  const resident = nextResident++;
  residents.set(resident, tensor);
  return { resident, dtype, dims: tensor.dims };
}

function opened(id: number): InferenceSession {
  const session = sessions.get(id);
  if (!session) throw new Error("the session is not open");
  return session;
}

async function run(request: WorkerRequest & { readonly kind: "run" }): Promise<WorkerOutputs> {
  const session = opened(request.session);
  const feeds = Object.fromEntries(Object.entries(request.feeds).map(([name, feed]) => [name, toOrt(feed)]));
  const outputs = await session.run(feeds);
  const result: WorkerOutputs = { tensors: {}, kept: {} };
  for (const [name, tensor] of Object.entries(outputs))
    if (request.keep.includes(name)) result.kept[name] = keep(tensor);
    else result.tensors[name] = fromOrt(tensor);
  return result;
}

async function handle(request: WorkerRequest): Promise<WorkerOutputs | undefined> {
  switch (request.kind) {
    case "create": {
      const { onnx, folder, external } = request.model;
      const config: Record<string, unknown> =
        folder === undefined ? {} : { model_external_initializers_file_folder_path: folder };
      const session = await InferenceSession.create(onnx, {
        executionProviders: ["cpu"],
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        ...(request.threads === undefined ? {} : { intraOpNumThreads: request.threads }),
        externalData: external.map(({ location, data }) => ({ path: location, data })),
        extra: { session: { ...config, ...request.sessionConfig } },
      });
      sessions.set(request.session, session);
      return undefined;
    }
    case "run":
      return run(request);
    case "free": {
      for (const resident of request.tensors) residents.delete(resident);
      return undefined;
    }
    case "release": {
      await sessions.get(request.session)?.release();
      sessions.delete(request.session);
      return undefined;
    }
  }
}

// One request after another: ONNX Runtime uses every core for each.
let queue: Promise<void> = Promise.resolve();
parentPort?.on("message", (request: WorkerRequest) => {
  queue = queue.then(async () => {
    let reply: WorkerReply;
    try {
      reply = { id: request.id, outputs: await handle(request) };
    } catch (error) {
      reply = { id: request.id, error: error instanceof Error ? error.message : String(error) };
    }
    const buffers = Object.values(reply.outputs?.tensors ?? {}).map(({ data }) => data.buffer as ArrayBuffer);
    parentPort?.postMessage(reply, buffers);
  });
});
