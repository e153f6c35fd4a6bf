// The worker in which onnxruntime-web computes. What it is told first is where the runtime is.
import { hostSessions } from "../worker/session-host.ts";
import { afterSettings } from "./runtime.ts";

afterSettings((runtime) =>
  hostSessions(
    () => runtime,
    (reply, transfer) => postMessage(reply, { transfer }),
  ),
);
