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

/** Each device's one thread. */
const deviceThreads = new Map<Device, SharedThread>();

/** On the processor sessions have threads of their own; a device has one for all. */
function threadsOn(device: Device): StartThread | SharedThread {
  if (device === "cpu") return startThread("cpu");
  const known = deviceThreads.get(device) ?? new SharedThread(startThread(device));
  deviceThreads.set(device, known);
  return known;
}

/**
 * ONNX Runtime packs the weights that it loads. Where products have many rows it packs them as fast while it multiplies
 * as it reads packed ones, and for a few short texts it is done before they would be packed (measured: bench/RESULTS.md).
 */
const withoutPrepacking = { disable_prepacking: "1" };

/** ONNX Runtime's entry makes weights unsigned on every x86 processor, and does nothing on others. */
const int8Trial = new Int8Trial({ x64quantprecision: "1" });

/**
 * How products of 8-bit numbers are computed in this process: what its first model in 8 bits found out, or what a small
 * product shows now, in about the time that ONNX Runtime takes to load.
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
  /** `cpu` unless told. */
  readonly device?: Device | undefined;
  /** Where a trace is written when the engine is closed. */
  readonly profile?: string | undefined;
  readonly onProfile?: ((profile: Profile) => void) | undefined;
}

/**
 * ONNX Runtime in threads of its own.
 * @throws {UsageError} `usage/profile` where the trace cannot be written
 */
export function createNodeEngine(options: NodeEngineOptions = {}): Engine {
  const { device = "cpu", profile, onProfile, threads, sessionConfig = {} } = options;
  const { int8Trial: trial = int8Trial } = options;
  const create = (profilePrefix?: WorkerEngineOptions["profilePrefix"]) =>
    createWorkerEngine(threadsOn(device), {
      threads,
      sessionConfig,
      // A device lays weights out as it needs them, and multiplies no 8-bit numbers.
      ...(device === "cpu" && { withoutPrepacking, int8Trial: trial }),
      profilePrefix,
      waitingThreads: 2,
    });
  return profile === undefined ? create() : new ProfiledEngine(profile, create, onProfile);
}
