// A training session on ONNX Runtime: in a thread of Node, and with onnxruntime-web in this thread.
import {
  differentiate,
  GraphBuilder,
  int64Tensor,
  floatTensor,
  liftParameters,
  optimizeForTraining,
  type Tensor,
} from "@blip-ts/graph";
import * as web from "onnxruntime-web";
import { describe, expect, test } from "vitest";
import { startNodeTraining } from "../node/start-training.ts";
import { hostTraining } from "../worker/training-host.ts";
import type { StartTraining } from "./calls.ts";
import type { Parameter } from "./places.ts";
import { TrainingSession, type TrainingSessionOptions } from "./training-session.ts";

web.env.wasm.numThreads = 1;

/** onnxruntime-web in this thread. */
const startWasm: StartTraining = (listener) => {
  const answer = hostTraining(
    () => Promise.resolve({ ort: web, executionProviders: ["wasm"] }),
    (reply) => listener.message(reply),
  );
  return { post: (request) => answer(request), terminate: () => Promise.resolve() };
};

const [V, D] = [50, 8];
/** Numbers of magnitude about 1 that do not repeat soon. */
const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, index) => Math.sin((index + 1) * 12.9898 * seed));

/** A projection of rows of a table: loss = sum((E[ids] W)^2) / 100. */
function lookup() {
  const b = GraphBuilder.create("lookup");
  const ids = b.input("ids", "int64", ["B"]);
  const rows = b.embedding(ids, "table", V, D);
  const y = b.linear(rows, "head", 3);
  b.output("loss", b.multiply(b.sum(b.multiply(y, y), [0, 1]), b.scalar(0.01)));
  b.output("y", y);
  const forward = liftParameters()(b.build());
  const parameters = ["table.weight", "head.weight", "head.bias"];
  const { graph, gradients } = differentiate(forward, { parameters, of: ["loss"] });
  return { graph: optimizeForTraining(graph), gradients };
}

const roles: readonly Parameter[] = [
  { name: "table.weight", dims: [V, D], role: { kind: "trained", group: 1 } },
  { name: "head.weight", dims: [3, D], role: { kind: "trained", group: 0 } },
  { name: "head.bias", dims: [3], role: { kind: "trained", group: 0 } },
  { name: "shadow", dims: [3, D], role: { kind: "follower", of: "head.weight" } },
];
const update = {
  ...{ beta1: 0.9, beta2: 0.999, eps: 1e-8, clip: 0.5 },
  groups: [
    { lr: 1e-2, decay: 0.1 },
    { lr: 1e-2, decay: 0 },
  ],
};
/** Each id occurs many times. */
const ids = int64Tensor(
  [300],
  Array.from({ length: 300 }, (_, index) => (index * index) % 7),
);

async function open(start: StartTraining, options: TrainingSessionOptions = {}) {
  const session = await TrainingSession.open(start, roles, options);
  await session.addGraph("lookup", lookup());
  for (const [index, { name, dims }] of roles.entries())
    await session.write(
      name,
      "weight",
      noise(
        dims.reduce((a, b) => a * b, 1),
        index + 1,
      ),
    );
  return session;
}

/** Runs three steps. Returns losses, norms and all numbers. */
async function trained(start: StartTraining, options: TrainingSessionOptions = {}) {
  await using session = await open(start, options);
  const losses: number[] = [];
  for (const step of [1, 2, 3]) {
    await session.follow(0.9);
    const { loss } = await session.run("lookup", { ids }, { wanted: ["loss"] });
    const { norm, applied } = await session.update({ ...update, step, from: "gradient" });
    expect(applied).toBe(true);
    losses.push(Number(loss?.data[0]), norm);
  }
  const numbers: Record<string, Float32Array> = {};
  for (const { name, role } of roles)
    for (const array of role.kind === "trained"
      ? (["weight", "first", "second"] as const)
      : (["weight"] as const))
      numbers[`${array} ${name}`] = await session.read(name, array);
  return { losses, numbers, outputs: session.outputs };
}

test("rows of an embedding are added in the same order by 1 and 2 threads, however often an id occurs", async () => {
  const [one, two] = [
    await trained(startNodeTraining, { threads: 1 }),
    await trained(startNodeTraining, { threads: 2 }),
  ];
  expect(two).toEqual(one);
  expect(one.outputs).toBe("sequence");
});

test("rows are added to the gradient of the run, and rows without an id stay 0", async () => {
  await using session = await open(startNodeTraining, { threads: 2 });
  await session.run("lookup", { ids }, { wanted: [] });
  const first = await session.read("table.weight", "gradient");
  // The gradients do not accumulate on the previous run's.
  const { loss, y } = await session.run("lookup", { ids }, { wanted: ["loss", "y"] });
  const gradient = await session.read("table.weight", "gradient");
  expect(gradient).toEqual(first);
  const head = await session.read("head.weight", "weight");
  const expected = new Float64Array(V * D);
  const rows = y?.data as Float32Array;
  ids.data.forEach((id, row) => {
    for (let d = 0; d < D; d++)
      for (let o = 0; o < 3; o++)
        expected[Number(id) * D + d] =
          (expected[Number(id) * D + d] ?? NaN) +
          0.02 * (rows[row * 3 + o] ?? NaN) * (head[o * D + d] ?? NaN);
  });
  expected.forEach((value, index) => expect(gradient[index]).toBeCloseTo(value, 3));
  expect([...gradient.subarray(7 * D)].every((value) => value === 0)).toBe(true);
  expect(loss?.dims).toEqual([]);
});

test.each(["preallocated", "fresh"] as const)(
  "handing over gradients by %s arrays changes no number",
  async (outputs) => {
    const [fastest, other] = [
      await trained(startNodeTraining),
      await trained(startNodeTraining, { outputs }),
    ];
    expect(other).toEqual({ ...fastest, outputs });
  },
);

test("several memories give the same numbers as one", async () => {
  const one = await trained(startNodeTraining);
  // The table needs 6,400 bytes; head and shadow do not fit beside it. Gaps between blocks take 16 KiB.
  const several = await trained(startNodeTraining, { bytesPerMemory: 6400 + 16384 });
  expect(several.numbers).toEqual(one.numbers);
  expect(several.losses[0]).toBe(one.losses[0]);
});

test("a parameter that fits into no memory is rejected", async () => {
  await expect(open(startNodeTraining, { bytesPerMemory: 6399 + 16384 })).rejects.toMatchObject({
    code: "train/parameter-size",
    fields: { name: "table.weight", bytes: 6400, capacity: 6399 },
  });
});

test("onnxruntime-web computes the same step", async () => {
  const [native, wasm] = [await trained(startNodeTraining), await trained(startWasm)];
  expect(wasm.outputs).toBe("fresh");
  wasm.losses.forEach((value, index) =>
    expect(Math.abs(value / (native.losses[index] ?? NaN) - 1)).toBeLessThan(1e-5),
  );
  for (const [name, values] of Object.entries(native.numbers)) {
    const own = wasm.numbers[name];
    const norm = Math.hypot(...values);
    expect(
      Math.hypot(...values.map((value, index) => value - (own?.[index] ?? NaN))) / norm,
      name,
    ).toBeLessThan(1e-5);
  }
});

describe("without memory", () => {
  /** The sum of all products of two numbers of x [N], with N * N intermediate numbers. */
  function products() {
    const b = GraphBuilder.create("products");
    const x = b.input("x", "float32", ["N"]);
    const all = b.matmul(b.reshape(x, ["N", 1]), b.reshape(x, [1, "N"]));
    b.output("sum", b.sum(all, [0, 1]));
    return { graph: b.build() };
  }

  // 256 TiB, more than 48-bit addresses reach, and 64 GiB for WebAssembly's 32-bit addresses.
  test.each([
    ["onnxruntime-node", startNodeTraining, 2 ** 23],
    ["onnxruntime-web", startWasm, 2 ** 17],
  ] as const)("a run on %s fails by name, and the session continues", async (_engine, start, size) => {
    await using session = await open(start);
    await session.addGraph("products", products());
    const run = (N: number) =>
      session.run("products", { x: floatTensor([N], new Float32Array(N).fill(0.5)) }, { wanted: ["sum"] });
    await expect(run(size)).rejects.toMatchObject({
      name: "ModelError",
      code: "train/memory",
      message: expect.stringMatching(
        /^memory: expected enough for a run of the graph products, got "/,
      ) as string,
    });
    expect((await run(4)).sum?.data[0]).toBe(4);
  });

  test("for the numbers themselves, a session does not open", async () => {
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: { readonly initial: number; readonly maximum?: number }) {
        if (descriptor.initial > 100) throw new RangeError("WebAssembly.Memory(): could not allocate memory");
        super(descriptor);
      }
    };
    const table: Parameter = { name: "table", dims: [2 ** 20, 4], role: { kind: "trained", group: 0 } };
    await expect(
      TrainingSession.open(startWasm, [table]).finally(() => (WebAssembly.Memory = Memory)),
    ).rejects.toMatchObject({
      name: "ModelError",
      code: "train/memory",
      message: expect.stringContaining('got "WebAssembly.Memory(): could not allocate memory"') as string,
    });
  });
});

describe("a run is rejected", () => {
  test.each<[string, Record<string, Tensor>, string]>([
    ["without an input", {}, "input ids: expected int64 [B], got nothing"],
    ["with one of another type", { ids: floatTensor([2], [0, 1]) }, "expected int64 [B], got float32 [2]"],
    [
      "with one of another shape",
      { ids: int64Tensor([1, 2], [0, 1]) },
      "expected int64 [B], got int64 [1, 2]",
    ],
  ])("%s", async (_what, feeds, message) => {
    await using session = await open(startNodeTraining);
    await expect(session.run("lookup", feeds, { wanted: ["loss"] })).rejects.toMatchObject({
      code: "train/feed",
      message: expect.stringContaining(message) as string,
    });
  });

  test("with an unknown graph or output, and with numbers that do not fit", async () => {
    await using session = await open(startNodeTraining);
    await expect(session.run("other", { ids }, { wanted: [] })).rejects.toMatchObject({
      code: "train/graph",
    });
    await expect(session.run("lookup", { ids }, { wanted: ["z"] })).rejects.toMatchObject({
      code: "train/output",
    });
    await expect(session.write("other", "weight", noise(3, 1))).rejects.toMatchObject({
      code: "train/parameter",
    });
    await expect(session.read("shadow", "gradient")).rejects.toMatchObject({ code: "train/parameter" });
    await expect(session.read("head.bias", "sum")).rejects.toMatchObject({ code: "train/parameter" });
    await expect(session.write("head.bias", "weight", noise(4, 1))).rejects.toMatchObject({
      code: "train/length",
    });
  });

  test("after closing", async () => {
    const session = await open(startNodeTraining);
    await Promise.all([session.close(), session.close()]);
    await expect(session.run("lookup", { ids }, { wanted: ["loss"] })).rejects.toMatchObject({
      code: "usage/disposed",
    });
  });
});

test("gradients that are not finite change nothing", async () => {
  await using session = await open(startNodeTraining);
  await session.write("head.bias", "weight", Float32Array.of(3e38, 0, 0));
  await session.run("lookup", { ids }, { wanted: [] });
  const before = await session.read("table.weight", "weight");
  const { norm, applied } = await session.update({ ...update, step: 1, from: "gradient" });
  expect([Number.isFinite(norm), applied]).toEqual([false, false]);
  expect(await session.read("table.weight", "weight")).toEqual(before);
  expect([...(await session.read("head.bias", "first"))]).toEqual([0, 0, 0]);
});
