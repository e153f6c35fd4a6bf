// ONNX Runtime in Node's worker threads.
import { closing } from "@blip-ts/base";
import type { Device, Profile } from "../device.ts";
import { Int8Trial, type Int8Products } from "../int8-trial.ts";
import type { Engine } from "../engine.ts";
import type { WorkerReply, WorkerRequest } from "../worker/messages.ts";
import {
  createWorkerEngine,
  SharedThread,
  type StartThread,
  type WorkerEngineOptions,
} from "../worker/worker-engine.ts";
import { ProfiledEngine } from "./profile.ts";
import type { SessionThreadData } from "./session-thread.ts";
import { startNativeWorker } from "./start-worker.ts";

const startThread = (device: Device): StartThread =>
  startNativeWorker<WorkerRequest, WorkerReply>("session-worker.js", { device } satisfies SessionThreadData);

/** The single thread of each device. */
const deviceThreads = new Map<Device, SharedThread>();

/** Sessions on the processor have their own threads; all sessions on another device share one. */
function threadsOn(device: Device): StartThread | SharedThread {
  if (device === "cpu") return startThread("cpu");
  const known = deviceThreads.get(device) ?? new SharedThread(startThread(device));
  deviceThreads.set(device, known);
  return known;
}

/**
 * ONNX Runtime normally packs the weights that it loads. For products with many rows, it packs them during the product
 * about as fast as it reads packed ones. A few short texts are finished before the packing would be (measured:
 * bench/RESULTS.md).
 */
const withoutPrepacking = { disable_prepacking: "1" };

/** This entry makes weights unsigned on x86 processors and has no effect on others. */
const int8Trial = new Int8Trial({ x64quantprecision: "1" });

/**
 * The form of 8-bit products in this process: the result of its first 8-bit model, or of a trial now, which takes about
 * as long as loading ONNX Runtime.
 */
export function int8Products(): Promise<Int8Products> {
  return int8Trial.products((model, sessionConfig, use) =>
    closing(createWorkerEngine(startThread("cpu"), { threads: 1, sessionConfig }), async (engine) =>
      use(await engine.createSession(model)),
    ),
  );
}

export interface NodeEngineOptions extends Omit<
  WorkerEngineOptions,
  "profilePrefix" | "withoutPrepacking" | "waitingThreads"
> {
  /** The device. Default: `cpu`. */
  readonly device?: Device | undefined;
  /** The file for a trace, written when the engine is closed. */
  readonly profile?: string | undefined;
  readonly onProfile?: ((profile: Profile) => void) | undefined;
}

/**
 * Makes an engine that runs ONNX Runtime in its own threads.
 * @throws {UsageError} `usage/profile` if the trace cannot be written
 */
export function createNodeEngine(options: NodeEngineOptions = {}): Engine {
  const { device = "cpu", profile, onProfile, threads, sessionConfig = {} } = options;
  const { int8Trial: trial = int8Trial } = options;
  const create = (profilePrefix?: WorkerEngineOptions["profilePrefix"]) =>
    createWorkerEngine(threadsOn(device), {
      threads,
      sessionConfig,
      // Other devices arrange weights themselves and have no 8-bit products.
      ...(device === "cpu" && { withoutPrepacking, int8Trial: trial }),
      profilePrefix,
      waitingThreads: 2,
    });
  return profile === undefined ? create() : new ProfiledEngine(profile, create, onProfile);
}
