// The worker in which onnxruntime-web computes. What it is told first is where the runtime is.
import type { WorkerRequest } from "../worker/messages.ts";
import { hostSessions } from "../worker/session-host.ts";
import { afterSettings } from "./runtime.ts";

afterSettings<WorkerRequest>((runtime) =>
  hostSessions(
    () => runtime,
    (reply, transfer) => postMessage(reply, { transfer }),
  ),
);
