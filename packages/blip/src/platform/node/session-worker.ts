// The thread in which ONNX Runtime computes: its Node binding works inside the calling thread, so it may not be the
// caller's. Speaks the messages of `worker-engine.ts`.
import { setPriority } from "node:os";
import { platform } from "node:process";
import { parentPort } from "node:worker_threads";
import type { DType, Tensor } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { WorkerReply, WorkerRequest } from "./worker-messages.ts";

// On Linux a priority is a thread's own, and ONNX Runtime's threads inherit this one's: where all cores compute, the
// caller's event loop still gets its turn first (measured by bench/event-loop.mjs). Elsewhere it would be the process's.
if (platform === "linux") setPriority(0, 10);

let session: InferenceSession | undefined;

function toOrt({ dtype, data, dims }: Tensor): OrtTensor {
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

async function handle(request: WorkerRequest): Promise<Record<string, Tensor> | undefined> {
  switch (request.kind) {
    case "create": {
      const { onnx, folder, external } = request.model;
      const config: Record<string, unknown> =
        folder === undefined ? {} : { model_external_initializers_file_folder_path: folder };
      session = await InferenceSession.create(onnx, {
        executionProviders: ["cpu"],
        graphOptimizationLevel: "all",
        logSeverityLevel: 3,
        ...(request.threads === undefined ? {} : { intraOpNumThreads: request.threads }),
        externalData: external.map(({ location, data }) => ({ path: location, data })),
        extra: { session: { ...config, ...request.sessionConfig } },
      });
      return undefined;
    }
    case "run": {
      if (!session) throw new Error("the session is not open");
      const feeds = Object.fromEntries(
        Object.entries(request.feeds).map(([name, tensor]) => [name, toOrt(tensor)]),
      );
      const outputs = await session.run(feeds);
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromOrt(tensor)]));
    }
    case "release": {
      await session?.release();
      session = undefined;
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
    const buffers = Object.values(reply.outputs ?? {}).map(({ data }) => data.buffer as ArrayBuffer);
    parentPort?.postMessage(reply, buffers);
  });
});
