// Sessions of a network over an engine that only records its calls: when they are created again, and how they fail.
import { floatTensor, GraphBuilder } from "@blip-ts/graph";
import { memorySource, type StoredTensor } from "@blip-ts/checkpoint";
import { asyncDispose, ModelError, type ByteSource } from "@blip-ts/base";
import { beforeEach, expect, test } from "vitest";
import type { Engine, EngineSession } from "./engine.ts";
import { Network } from "./sessions.ts";

const changed = new ModelError("model/changed", "the file was written into");

function graph() {
  const b = GraphBuilder.create("one");
  const x = b.input("x", "float32", ["B", 2]);
  b.output("y", b.add(x, b.weight("w", [2])));
  return b.build();
}

const zeros = memorySource("zeros", new Uint8Array(8));

/** A file of weights that a test can write into, replace, or delete. */
class File implements ByteSource {
  readonly name = "w.safetensors";
  readonly size = 8;
  readonly path = "/models/w.safetensors";
  state: "same" | "written" | "gone" = "same";
  readonly read: ByteSource["read"] = (offset, length) => zeros.read(offset, length);

  expectUnchanged(mapped = false): void {
    if (this.state === "written" || (this.state === "gone" && !mapped)) throw changed;
  }

  get tensors(): ReadonlyMap<string, StoredTensor> {
    const tensor = {
      name: "w",
      dtype: "float32",
      shape: [2],
      source: this,
      offset: 0,
      byteLength: 8,
    } as const;
    return new Map([["w", tensor]]);
  }
}

let made: { ended: boolean; failure: Error | undefined; closed: boolean; released: number }[] = [];
let file = new File();
beforeEach(() => {
  made = [];
  file = new File();
});

/** @param onMake called while a session is created */
const engine = (onMake: () => void = () => undefined): Engine => ({
  createSession(): Promise<EngineSession> {
    onMake();
    const state = { ended: false, failure: undefined as Error | undefined, closed: false, released: 0 };
    made.push(state);
    const run = () =>
      state.failure ? Promise.reject(state.failure) : Promise.resolve({ y: floatTensor([1], [1]) });
    const close = () => {
      state.closed = true;
      return Promise.resolve();
    };
    return Promise.resolve({
      get ended() {
        return state.ended;
      },
      run,
      runRetaining: async () => ({ tensors: await run(), retained: {} }),
      release: () => {
        state.released++;
      },
      close,
      [asyncDispose]: close,
    });
  },
  close: () => Promise.resolve(),
  [asyncDispose]: () => Promise.resolve(),
});

const network = (over = engine(), renew?: () => Promise<ReadonlyMap<string, StoredTensor>>) =>
  new Network({ dtype: "fp32", passes: [] }, file.tensors, over, {}, renew);

test("a session is created once, and again when its thread has ended", async () => {
  const net = network();
  const first = await net.session("one", graph);
  expect(await net.session("one", graph)).toBe(first);
  const [state] = made;
  if (state) state.ended = true;
  const second = await net.session("one", graph);
  expect(second).not.toBe(first);
  expect(await second.run({})).toHaveProperty("y");
  expect(made.map(({ closed }) => closed)).toEqual([true, false]);
});

test("the engine's error becomes a BlipError; an aborted call ends with its reason", async () => {
  const session = await network().session("one", graph);
  const [state] = made;
  if (state) state.failure = new Error("Non-zero status code returned");
  await expect(session.run({})).rejects.toMatchObject({
    code: "model/engine",
    message: expect.stringContaining('cannot run the "one" graph: Non-zero') as string,
  });
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await expect(session.run({}, { signal: stop.signal })).rejects.toThrow("enough");
});

test("a file that was written into fails every call and every session", async () => {
  const net = network();
  const session = await net.session("one", graph);
  file.state = "written";
  await expect(session.run({})).rejects.toBe(changed);
  await expect(session.runRetaining({}, [])).rejects.toBe(changed);
  await expect(net.session("two", graph)).rejects.toBe(changed);
});

test("a file that was replaced or deleted fails only new sessions", async () => {
  const net = network();
  const session = await net.session("one", graph);
  file.state = "gone";
  expect(await session.run({})).toHaveProperty("y");
  await expect(net.session("two", graph)).rejects.toBe(changed);
});

test("a file that is written into while its session is made, or while it computes, gives no result", async () => {
  const during = network(engine(() => (file.state = "written")));
  await expect(during.session("one", graph)).rejects.toBe(changed);
  expect(made[0]?.closed).toBe(true);
  file = new File();
  const session = await network().session("one", graph);
  const call = session.run({});
  file.state = "written";
  await expect(call).rejects.toBe(changed);
});

test("derived weights are made again, once, if their file is gone or damaged", async () => {
  const renewed = new File();
  let times = 0;
  const net = network(engine(), () => {
    times++;
    return Promise.resolve(renewed.tensors);
  });
  const first = await net.session("one", graph);
  file.state = "gone";
  // Loaded sessions stay usable.
  expect(await net.session("one", graph)).toBe(first);
  await net.session("two", graph);
  expect(times).toBe(1);
  await net.session("three", graph);
  expect(times).toBe(1);
  // Sessions that were loaded from the damaged file are loaded again.
  file.state = "written";
  const second = await net.session("one", graph);
  expect(second).not.toBe(first);
  expect(await second.run({})).toHaveProperty("y");
  expect(times).toBe(1);
});
