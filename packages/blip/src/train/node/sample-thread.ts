// The thread that decodes and augments samples, one at a time.
import { InputError, plainError } from "@blip-ts/base";
import { parentPort, workerData } from "node:worker_threads";
import { loadSample } from "../data/load-sample.ts";
import { nodeDecode } from "./decode-source.ts";
import type { SampleThreadData, ThreadReply, ThreadRequest } from "./messages.ts";

const { plan, decode } = workerData as SampleThreadData;
const decodeSource = nodeDecode(decode);
let running: { readonly id: number; readonly controller: AbortController } | undefined;

function failure(id: number, error: unknown): ThreadReply {
  if (error instanceof InputError) return { id, bad: plainError(error) };
  return { id, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

async function load({ id, request }: Extract<ThreadRequest, { kind: "load" }>): Promise<void> {
  const controller = new AbortController();
  running = { id, controller };
  try {
    const values = await loadSample(request, plan, decodeSource, controller.signal);
    parentPort?.postMessage({ id, values } satisfies ThreadReply, [values.buffer]);
  } catch (error) {
    parentPort?.postMessage(failure(id, error));
  } finally {
    running = undefined;
  }
}

parentPort?.on("message", (message: ThreadRequest) => {
  if (message.kind === "load") void load(message);
  else if (running?.id === message.id) running.controller.abort();
});
