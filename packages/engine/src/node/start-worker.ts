// Starts worker threads in which onnxruntime-node computes. Each thread ends between its calls, never during one.
import { Worker } from "node:worker_threads";
import {
  afterNativeCall,
  createNativeState,
  guardExit,
  unguardExit,
  type NativeState,
} from "./native-calls.ts";
import { ownFile } from "./own-file.ts";

/** Start data that every such thread gets beside its own. */
export interface NativeThreadData {
  readonly native: NativeState;
}

interface Listener<Reply> {
  message(reply: Reply): void;
  failure(error: Error): void;
}

interface Port<Request> {
  post(request: Request, taken: readonly ArrayBuffer[]): void;
  terminate(): Promise<void>;
  keepAlive(pending: boolean): void;
}

/**
 * Makes a function that starts a worker.
 * @param file the worker's name among the built files
 * @param data the worker's start data
 */
export const startNativeWorker =
  <Request, Reply>(file: string, data: object) =>
  (listener: Listener<Reply>): Port<Request> => {
    // ONNX Runtime reads this variable from the process's own environment; a worker has only a copy. If it is unset,
    // ONNX Runtime sends telemetry.
    process.env.ORT_DISABLE_TELEMETRY ??= "1";
    const native = createNativeState();
    const worker = new Worker(ownFile(file, import.meta.url, "../../../blip/dist"), {
      workerData: { ...data, native } satisfies NativeThreadData,
      // The program's own options are not passed on: with `node --input-type=module --eval ...` no worker would start.
      execArgv: [],
    });
    guardExit(native);
    worker.on("message", (reply: Reply) => listener.message(reply));
    worker.on("error", (error: unknown) =>
      listener.failure(error instanceof Error ? error : new Error(String(error))),
    );
    worker.on("exit", (code) => {
      unguardExit(native);
      listener.failure(new Error(`the engine's thread ended (exit code ${code})`));
    });
    // An idle thread does not keep the process alive; a pending call does. `unref` comes after the message listener,
    // which references the worker again.
    worker.unref();
    return {
      post: (request, taken) => worker.postMessage(request, taken),
      terminate: async () => {
        await afterNativeCall(native);
        await worker.terminate();
      },
      keepAlive: (pending) => (pending ? worker.ref() : worker.unref()),
    };
  };
