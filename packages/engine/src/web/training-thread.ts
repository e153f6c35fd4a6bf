// The worker of a page's training session.
import { hostTraining } from "../worker/training-host.ts";
import { afterSettings } from "./runtime.ts";

afterSettings((runtime) =>
  hostTraining(
    () => runtime,
    (reply, transfer) => postMessage(reply, { transfer }),
  ),
);
