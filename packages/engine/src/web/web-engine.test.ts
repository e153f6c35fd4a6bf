// The caller's side of a page's worker, if the worker cannot be started or does not answer.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { EngineModel } from "../engine.ts";
import { createWebEngine } from "./web-engine.ts";

const model: EngineModel = { onnx: new Uint8Array(1), external: [] };

/** A worker that never answers. */
class SilentWorker {
  addEventListener = () => undefined;
  postMessage = () => undefined;
  terminate = () => undefined;
}

beforeEach(() => {
  vi.stubGlobal("crossOriginIsolated", false);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test("a worker that the browser refuses to start fails with a remedy, each time", async () => {
  // Browsers start no worker from another origin, but a page's script may well come from one.
  vi.stubGlobal(
    "Worker",
    class extends SilentWorker {
      constructor() {
        super();
        throw new Error("Script at 'https://cdn.example/worker.js' cannot be accessed from origin");
      }
    },
  );
  await using engine = createWebEngine({ device: "cpu" });
  for (const time of ["first", "second"])
    await expect(engine.createSession(model), time).rejects.toMatchObject({
      code: "model/no-runtime",
      message: expect.stringContaining("cdn.example") as string,
    });
});

test("loading can be stopped before the worker has reported whether there is a runtime", async () => {
  vi.stubGlobal("Worker", SilentWorker);
  const engine = createWebEngine({ device: "cpu" });
  const stop = new AbortController();
  const session = engine.createSession(model, { signal: stop.signal });
  stop.abort(new Error("enough"));
  await expect(session).rejects.toThrow("enough");
});
