// Tests a device's thread through its messages: retained tensors stay on the device, and their data are never
// requested.
import type { Tensor } from "@blip-ts/graph";
import * as common from "onnxruntime-common";
import { afterEach, expect, test, vi } from "vitest";
import type { WorkerReply, WorkerRequest } from "./messages.ts";
import { hostSessions, passHalvesAsBits, type OnnxRuntime } from "./session-host.ts";

afterEach(() => void vi.unstubAllGlobals());

/** A device tensor that records the operations on it. */
function deviceTensor(log: string[]): common.Tensor {
  return common.Tensor.fromGpuBuffer({} as never, {
    dataType: "float16",
    dims: [1, 2],
    download: () => {
      log.push("download");
      return Promise.resolve(Uint16Array.of(0, 0));
    },
    dispose: () => void log.push("dispose"),
  });
}

function host(log: string[]) {
  const created: common.InferenceSession.SessionOptions[] = [];
  const fed: Record<string, common.Tensor>[] = [];
  const session = () => ({
    run: (feeds: Record<string, common.Tensor>) => {
      fed.push(feeds);
      return Promise.resolve({
        cache: deviceTensor(log),
        logits: new common.Tensor("float32", Float32Array.of(1), [1]),
      });
    },
    endProfiling: () => void log.push("endProfiling"),
    release: () => Promise.resolve(void log.push("release")),
  });
  const ort = {
    Tensor: common.Tensor,
    InferenceSession: {
      create: (_onnx: Uint8Array, options: common.InferenceSession.SessionOptions) => {
        created.push(options);
        return Promise.resolve(session());
      },
    },
    // A real runtime has far more members; the host calls only these.
  } as unknown as OnnxRuntime;
  const replies = new Map<number, (reply: WorkerReply) => void>();
  const answer = hostSessions(
    () => Promise.resolve({ ort, executionProviders: ["webgpu"], keptLocation: "gpu-buffer" }),
    (reply) => replies.get(reply.id)?.(reply),
  );
  let id = 0;
  const ask = (
    request: WorkerRequest extends infer R ? (R extends WorkerRequest ? Omit<R, "id"> : never) : never,
  ) =>
    new Promise<WorkerReply>((resolve) => {
      replies.set(++id, resolve);
      answer({ id, ...request });
    });
  return { ask, created, fed };
}

const model = { onnx: new Uint8Array(), external: [] };
const x: Tensor = { dtype: "float32", dims: [1], data: Float32Array.of(1) };

test("a retained tensor stays on the device, is fed from there, and is freed there", async () => {
  const log: string[] = [];
  const { ask, created, fed } = host(log);
  await ask({ session: 0, kind: "create", model, threads: undefined, sessionConfig: {}, retain: ["cache"] });
  expect(created[0]).toMatchObject({
    executionProviders: ["webgpu"],
    preferredOutputLocation: { cache: "gpu-buffer" },
  });
  const { outputs } = await ask({ session: 0, kind: "run", feeds: { x }, retain: ["cache"] });
  const cache = outputs?.retained.cache;
  expect(cache).toMatchObject({ dtype: "float16", dims: [1, 2], onDevice: true });
  expect(outputs?.tensors).toMatchObject({ logits: { dtype: "float32" } });
  if (!cache) throw new Error("nothing was kept");
  await ask({ session: 0, kind: "run", feeds: { cache }, retain: ["cache"] });
  expect(fed[1]?.cache?.location).toBe("gpu-buffer");
  expect(log).toEqual([]);
  await ask({ session: -1, kind: "free", tensors: [cache.resident] });
  expect(log).toEqual(["dispose"]);
  const gone = await ask({ session: 0, kind: "run", feeds: { cache }, retain: [] });
  expect(gone.error).toMatch(/no longer exists/);
});

test("an output that was left on the device and is not retained is reported", async () => {
  const log: string[] = [];
  const { ask } = host(log);
  await ask({ session: 0, kind: "create", model, threads: undefined, sessionConfig: {}, retain: ["cache"] });
  const { error } = await ask({ session: 0, kind: "run", feeds: { x }, retain: [] });
  expect(error).toMatch(/to be retained/);
  expect(log).not.toContain("download");
});

test("a trace is ended before its session is released", async () => {
  const log: string[] = [];
  const { ask, created } = host(log);
  const create = { kind: "create", model, threads: undefined, sessionConfig: {}, retain: [] } as const;
  await ask({ session: 0, ...create, profilePrefix: "p" });
  await ask({ session: 1, ...create });
  expect(created).toMatchObject([{ enableProfiling: true, profileFilePrefix: "p" }, {}]);
  expect(created[1]).not.toHaveProperty("enableProfiling");
  await ask({ session: 0, kind: "release" });
  await ask({ session: 1, kind: "release" });
  expect(log).toEqual(["endProfiling", "release", "release"]);
});

test("every session stops its threads with its call, whatever its own configuration is", async () => {
  const { ask, created } = host([]);
  const create = { kind: "create", model, threads: undefined, retain: [] } as const;
  await ask({ session: 0, ...create, sessionConfig: {} });
  await ask({ session: 1, ...create, sessionConfig: { disable_prepacking: "1" } });
  expect(created.map(({ extra }) => extra?.session)).toEqual([
    { force_spinning_stop: "1" },
    { force_spinning_stop: "1", disable_prepacking: "1" },
  ]);
});

// ONNX Runtime's packages look for the global when they create their first tensor. The copy here may have done so
// already, so test/runtimes.slow.test.ts tests the effect on tensors.
test("a thread of ONNX Runtime has no array of half floats, even if the language has one", () => {
  vi.stubGlobal("Float16Array", Uint16Array);
  expect("Float16Array" in globalThis).toBe(true);
  passHalvesAsBits();
  expect("Float16Array" in globalThis).toBe(false);
  passHalvesAsBits();
});
