// The worker in which onnxruntime-web computes. Its first message gives the place of the runtime.
import { hostSessions } from "../worker/session-host.ts";
import { afterSettings } from "./runtime.ts";

afterSettings((runtime) =>
  hostSessions(
    () => runtime,
    (reply, transfer) => postMessage(reply, { transfer }),
  ),
);
