// Chooses how a run's gradients reach their place. onnxruntime-node 1.30 writes outputs into given memory, but then
// copies each of them into the returned object. At 220 M parameters, this costs a third of a second and a gigabyte of
// garbage per step. It converts outputs in order and stops at one that it cannot convert, such as a sequence; by then
// it has written all outputs. The trial also detects a release that no longer copies or that converts sequences.
import { sequenceOutput, type OutputMode, type Probes } from "../training/messages.ts";
import type { Runtime } from "./session-host.ts";
import type * as common from "onnxruntime-common";

/** Whether an error is onnxruntime-node's refusal of a sequence. */
const isNoTensor = (error: unknown): boolean =>
  error instanceof Error && /non tensor type/i.test(error.message);

const probeLength = 64;

/**
 * Runs a session whose outputs are written in place.
 * @throws the error of the run
 */
export async function runInPlace(
  session: common.InferenceSession,
  feeds: common.InferenceSession.FeedsType,
  outputs: Readonly<Record<string, common.Tensor>>,
  mode: "sequence" | "preallocated",
): Promise<void> {
  if (mode === "preallocated") {
    await session.run(feeds, outputs);
    return;
  }
  let converted = true;
  try {
    await session.run(feeds, { [sequenceOutput]: null, ...outputs });
  } catch (error) {
    if (!isNoTensor(error)) throw error;
    converted = false;
  }
  if (converted) throw new Error("expected ONNX Runtime to stop at a sequence, got a converted one");
}

/** Whether two runs in this mode write into WebAssembly memory correctly. */
async function works(
  { ort, executionProviders }: Runtime,
  model: Uint8Array,
  mode: "sequence" | "preallocated",
) {
  const session = await ort.InferenceSession.create(model, { executionProviders, logSeverityLevel: 4 });
  try {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const [x, y] = [0, 1].map(
      (index) => new Float32Array(memory.buffer, index * probeLength * 4, probeLength),
    );
    if (!x || !y) return false;
    for (const round of [1, 2]) {
      x.forEach((_, index) => (x[index] = index * round + 0.5));
      const tensors = [x, y].map((data) => new ort.Tensor("float32", data, [probeLength]));
      const [feed, output] = tensors;
      if (!feed || !output) return false;
      await runInPlace(session, { x: feed }, { y: output }, mode);
      if (!y.every((value, index) => value === (index * round + 0.5) ** 2)) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    await session.release();
  }
}

/** The fastest mode that works with this runtime, found by trial. */
export async function outputModeOf(runtime: Runtime, probes: Probes): Promise<OutputMode> {
  if (await works(runtime, probes.sequence, "sequence")) return "sequence";
  return (await works(runtime, probes.plain, "preallocated")) ? "preallocated" : "fresh";
}
