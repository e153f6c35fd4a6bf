// Worker threads in which onnxruntime-node computes: each is ended between its calls, never within one.
import { Worker } from "node:worker_threads";
import {
  afterNativeCall,
  createNativeState,
  guardExit,
  unguardExit,
  type NativeState,
} from "./native-calls.ts";
import { ownFile } from "./own-file.ts";

/** What every such thread is started with, beside its own data. */
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
 * @param file the worker's name among the built files
 * @param data what it is started with
 */
export const startNativeWorker =
  <Request, Reply>(file: string, data: object) =>
  (listener: Listener<Reply>): Port<Request> => {
    // Read by ONNX Runtime from the process's own environment, of which a worker has a copy; unset, it reports its use.
    process.env.ORT_DISABLE_TELEMETRY ??= "1";
    const native = createNativeState();
    const worker = new Worker(ownFile(file, import.meta.url, "../../../blip/dist"), {
      workerData: { ...data, native } satisfies NativeThreadData,
      // Not the program's own options: with `node --input-type=module --eval ...` no worker would start.
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
    // An idle thread does not keep the process alive; a pending call does. Listening for messages would again.
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
