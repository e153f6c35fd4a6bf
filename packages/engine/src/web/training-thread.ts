// The worker of a page's training session.
import type { TrainingRequest } from "../training/messages.ts";
import { hostTraining } from "../worker/training-host.ts";
import { afterSettings } from "./runtime.ts";

afterSettings<TrainingRequest>((runtime) =>
  hostTraining(
    () => runtime,
    (reply, transfer) => postMessage(reply, { transfer }),
  ),
);
