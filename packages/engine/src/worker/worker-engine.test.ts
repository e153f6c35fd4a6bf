// The caller's side of compute threads, with a thread that only records its messages.
import { floatTensor } from "@blip-ts/graph";
import { describe, expect, test, vi } from "vitest";
import { Int8Trial, trialCase } from "../int8-trial.ts";
import type { EngineModel } from "../engine.ts";
import type { WorkerRequest } from "./messages.ts";
import { createWorkerEngine, SharedThread, type StartThread } from "./worker-engine.ts";

const model: EngineModel = { onnx: new Uint8Array(1), external: [] };

/** Threads that answer everything, with a record of their messages and of whether they have ended. */
function threads() {
  const started: { readonly told: (WorkerRequest & { taken: number })[]; ended: boolean }[] = [];
  const start: StartThread = (listener) => {
    const thread: (typeof started)[number] = { told: [], ended: false };
    started.push(thread);
    return {
      post(request, taken) {
        thread.told.push({ ...request, taken: taken.length });
        queueMicrotask(() => listener.message({ id: request.id }));
      },
      terminate() {
        thread.ended = true;
        return Promise.resolve();
      },
    };
  };
  return { started, start };
}

describe("threads that wait", () => {
  test("are started before there is a session, serve the first ones, and end with the engine", async () => {
    const { started, start } = threads();
    const engine = createWorkerEngine(start, { waitingThreads: 2 });
    expect(started).toHaveLength(2);
    await engine.createSession(model, { group: "one" });
    await engine.createSession(model, { group: "one" });
    expect(started.map(({ told }) => told.length)).toEqual([2, 0]);
    await engine[Symbol.asyncDispose]();
    expect(started.map(({ ended }) => ended)).toEqual([true, true]);
  });

  test("are not a limit: another session has another thread", async () => {
    const { started, start } = threads();
    await using engine = createWorkerEngine(start, { waitingThreads: 1 });
    await Promise.all([engine.createSession(model), engine.createSession(model)]);
    expect(started.map(({ told }) => told.length)).toEqual([1, 1]);
  });

  test("are not started if all sessions share one", () => {
    const { started, start } = threads();
    createWorkerEngine(new SharedThread(start), { waitingThreads: 2 });
    expect(started).toHaveLength(0);
  });
});

test("a session that is closed twice leaves its thread to the others", async () => {
  const { started, start } = threads();
  await using engine = createWorkerEngine(start);
  const [one, other] = [
    await engine.createSession(model, { group: "one" }),
    await engine.createSession(model, { group: "one" }),
  ];
  await one[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  expect(started[0]?.told.filter(({ kind }) => kind === "release")).toHaveLength(1);
  await expect(other.run({})).resolves.toEqual({});
});

test("sessions with unpacked weights have their own configuration", async () => {
  const { started, start } = threads();
  const options = { sessionConfig: { some: "1" }, withoutPrepacking: { disable_prepacking: "1" } };
  await using engine = createWorkerEngine(start, options);
  await engine.createSession(model, { prepack: false });
  await engine.createSession(model);
  expect(started.map(({ told: [create] }) => create?.kind === "create" && create.sessionConfig)).toEqual([
    { some: "1", disable_prepacking: "1" },
    { some: "1" },
  ]);
});

describe("sessions with 8-bit products", () => {
  const unsignedConfig = { x64quantprecision: "1" };
  const multiplying: EngineModel = { ...model, signedProducts: true };

  /** Threads in which signed products are too large by `error`; unsigned ones are exact. */
  function processor(error: number) {
    const { started, start } = threads();
    const computing: StartThread = (listener) => {
      const configs: Readonly<Record<string, string>>[] = [];
      const index = started.length;
      return start({
        ...listener,
        message: (reply) => {
          const request = started[index]?.told.find(({ id }) => id === reply.id);
          if (request?.kind === "create") configs[request.session] = request.sessionConfig;
          if (request?.kind !== "run" || !request.feeds.x) {
            listener.message(reply);
            return;
          }
          const [height = 0] = request.feeds.x.dims;
          const { product } = trialCase(height);
          const off = configs[request.session]?.x64quantprecision === "1" ? 0 : error;
          const found = floatTensor(
            [height, product.length / height],
            product.map((value) => value + off),
          );
          listener.message({ ...reply, outputs: { tensors: { tensor: found, row: found }, retained: {} } });
        },
      });
    };
    return { started, start: computing };
  }

  const configs = ({ told }: ReturnType<typeof threads>["started"][number]) =>
    told.flatMap((request) => (request.kind === "create" ? [request.sessionConfig] : []));

  test("have unsigned weights if signed ones overflow, beside their own entries", async () => {
    const { started, start } = processor(1);
    const int8Trial = new Int8Trial(unsignedConfig);
    await using engine = createWorkerEngine(start, { int8Trial, sessionConfig: { some: "1" } });
    await engine.createSession(multiplying);
    const [thread] = started;
    expect(thread && configs(thread)).toEqual([
      { some: "1" },
      { some: "1", ...unsignedConfig },
      { some: "1", ...unsignedConfig },
    ]);
  });

  test("have signed weights if those are exact, which their own thread tries once for all threads", async () => {
    const { started, start } = processor(0);
    const int8Trial = new Int8Trial(unsignedConfig);
    await using engine = createWorkerEngine(start, { int8Trial });
    await Promise.all([engine.createSession(multiplying), engine.createSession(multiplying)]);
    expect(started.map(configs)).toEqual([[{}, {}], [{}]]);
    // The trial's session is freed, and its thread serves the other session.
    expect(started[0]?.told.map(({ kind }) => kind)).toEqual(["create", "run", "run", "release", "create"]);
    expect(started.map(({ ended }) => ended)).toEqual([false, false]);
  });

  test("are the only ones that run the trial", async () => {
    const { started, start } = processor(1);
    await using engine = createWorkerEngine(start, { int8Trial: new Int8Trial(unsignedConfig) });
    await engine.createSession(model);
    await using page = createWorkerEngine(start);
    await page.createSession(multiplying);
    expect(started.map(configs)).toEqual([[{}], [{}]]);
  });

  test("are not created if their engine is closed meanwhile, and leave no thread", async () => {
    const { started, start } = processor(0);
    const engine = createWorkerEngine(start, { int8Trial: new Int8Trial(unsignedConfig) });
    const session = engine.createSession(multiplying, { group: "one" });
    const refused = expect(session).rejects.toThrow(/closed/);
    await engine[Symbol.asyncDispose]();
    await refused;
    expect(started[0] && configs(started[0])).toEqual([{}]);
    await vi.waitFor(() => expect(started.map(({ ended }) => ended)).toEqual([true]));
  });

  test("that are cancelled do not stop the trial for others", async () => {
    const { started, start } = processor(0);
    const int8Trial = new Int8Trial(unsignedConfig);
    await using engine = createWorkerEngine(start, { int8Trial });
    const controller = new AbortController();
    const first = engine.createSession(multiplying, { signal: controller.signal });
    const refused = expect(first).rejects.toThrow("enough");
    const second = engine.createSession(multiplying);
    controller.abort(new Error("enough"));
    await refused;
    await second;
    expect(started.map(configs)).toEqual([[{}], [{}]]);
  });
});

test("transferred memory is not copied; shared or other memory is", async () => {
  const { started, start } = threads();
  await using engine = createWorkerEngine(start);
  const session = await engine.createSession(model);
  const own = floatTensor([2], [1, 2]);
  const part = { ...own, data: new Float32Array(8).subarray(2, 4) };
  const taken = () => started[0]?.told.at(-1)?.taken;
  await session.run({ own }, { transfer: ["own"] });
  expect(taken()).toBe(1);
  await session.run({ part }, { transfer: ["part"] });
  expect(taken()).toBe(0);
  await session.run({ own });
  expect(taken()).toBe(0);
});

describe("a thread that ends", () => {
  /** Threads that answer until one is ended. */
  function mortal() {
    const started: { end(): void; mute: boolean; told: number }[] = [];
    const start: StartThread = (listener) => {
      const thread = {
        ...{ mute: false, told: 0 },
        end: () => listener.failure(new Error("exit code 1")),
      };
      started.push(thread);
      return {
        post(request) {
          thread.told++;
          if (!thread.mute) queueMicrotask(() => listener.message({ id: request.id }));
        },
        terminate: () => Promise.resolve(),
      };
    };
    return { started, start };
  }
  const ended = { code: "model/engine-ended", message: expect.stringContaining("exit code 1") as string };

  test("fails its pending calls by name, and its sessions report this", async () => {
    const { started, start } = mortal();
    await using engine = createWorkerEngine(start);
    const session = await engine.createSession(model);
    expect(session.ended).toBe(false);
    const [thread] = started;
    if (thread) thread.mute = true;
    const calls = [session.run({}), session.run({})];
    thread?.end();
    for (const call of calls) await expect(call).rejects.toMatchObject(ended);
    expect(session.ended).toBe(true);
    await expect(session.run({})).rejects.toMatchObject(ended);
    await session.close();
  });

  test("is replaced, also for its group, and if it was idle", async () => {
    const { started, start } = mortal();
    await using engine = createWorkerEngine(start, { waitingThreads: 2 });
    started[0]?.end();
    const first = await engine.createSession(model, { group: "one" });
    expect(started.map(({ told }) => told)).toEqual([0, 1]);
    started[1]?.end();
    expect(first.ended).toBe(true);
    const second = await engine.createSession(model, { group: "one" });
    await expect(second.run({})).resolves.toEqual({});
    expect(started).toHaveLength(3);
  });

  test("is replaced if all sessions share one", async () => {
    const { started, start } = mortal();
    await using engine = createWorkerEngine(new SharedThread(start));
    await engine.createSession(model);
    started[0]?.end();
    await expect((await engine.createSession(model)).run({})).resolves.toEqual({});
    expect(started).toHaveLength(2);
  });
});
