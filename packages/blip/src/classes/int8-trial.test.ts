// A small product detects whether 8-bit products overflow: on an exact engine, on one that saturates like x86
// processors without VNNI, on this machine's engine, and on that of pages.
import { evaluate } from "@blip-ts/graph";
import * as web from "onnxruntime-web";
import { expect, test, vi } from "vitest";
import { fixture, goldenTensors } from "../../test/support/goldens.ts";
import { createNodeEngine, int8Products } from "@blip-ts/engine/node";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Platform } from "../platform.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import {
  type EngineSession,
  Int8Trial,
  isExact,
  type LendSession,
  trialCase,
  trialGraph,
  trialModel,
} from "@blip-ts/engine";

const unsignedConfig = { x64quantprecision: "1" };

type Session = Pick<EngineSession, "run">;

/** An exact engine. */
const exact: Session = {
  run: ({ x }) => {
    if (!x || !("data" in x)) throw new Error("x is missing");
    return Promise.resolve(evaluate(trialGraph(), { x }, () => x));
  },
};

const saturated = (sum: number) => Math.max(-32768, Math.min(32767, sum));

/**
 * An engine of an x86 processor without VNNI: pmaddubsw adds the products of two neighbours, unsigned by signed, in 16
 * bits. x is rounded as in the networks: 0 and 1 are 0 and 255, or 128 and 255.
 */
const saturating: Session = {
  run: ({ x }) => {
    if (x === undefined || !("data" in x) || x.dtype !== "float32") throw new Error("x is missing");
    const { data: weight, dims } = weightOf();
    const [K = 0, N = 0] = dims;
    const [height = 0] = x.dims;
    const outputs = (zero: number) => ({
      dtype: "float32" as const,
      dims: [height, N],
      data: Float32Array.from({ length: height * N }, (_, index) => {
        const [m, n] = [Math.floor(index / N), index % N];
        const u8 = (k: number) => (x.data[m * K + k] === 1 ? 255 : zero);
        const s8 = (k: number) => weight[k * N + n] ?? NaN;
        let [sum, column] = [0, 0];
        for (let k = 0; k < K; k += 2) {
          sum += saturated(u8(k) * s8(k) + u8(k + 1) * s8(k + 1));
          column += s8(k) + s8(k + 1);
        }
        return (sum - zero * column) / (255 - zero);
      }),
    });
    return Promise.resolve({ tensor: outputs(0), row: outputs(128) });
  },
};

function weightOf() {
  const weight = trialGraph().constants.find(({ tensor }) => tensor.dtype === "int8")?.tensor;
  if (!weight) throw new Error("the trial has a weight");
  return { data: Array.from(weight.data, Number), dims: weight.dims };
}

/** Lends each configuration's session, and records the requested configurations. */
function lender(signed: Session, unsigned: Session) {
  const asked: Readonly<Record<string, string>>[] = [];
  const lend: LendSession = (_model, config, use) => {
    asked.push(config);
    return use((config === unsignedConfig ? unsigned : signed) as EngineSession);
  };
  return { asked, lend };
}

test("weights stay signed if their products are exact, and are made unsigned if those overflow", async () => {
  const [good, bad] = [lender(exact, exact), lender(saturating, exact)];
  expect(await new Int8Trial(unsignedConfig).products(good.lend)).toEqual({ weights: "signed", exact: true });
  expect(good.asked).toEqual([{}]);
  expect(await new Int8Trial(unsignedConfig).products(bad.lend)).toEqual({
    weights: "unsigned",
    exact: true,
  });
  expect(bad.asked).toEqual([{}, unsignedConfig]);
  expect(await new Int8Trial(unsignedConfig).config(good.lend)).toEqual({});
  expect(await new Int8Trial(unsignedConfig).config(bad.lend)).toEqual(unsignedConfig);
});

test("what no form computes exactly is said, and computed with unsigned weights", async () => {
  const trial = new Int8Trial(unsignedConfig);
  const { lend } = lender(saturating, saturating);
  expect(await trial.products(lend)).toEqual({ weights: "unsigned", exact: false });
  expect(await trial.config(lend)).toEqual(unsignedConfig);
});

test.for([
  ["a pair of the largest numbers alone", 3, 0],
  ["a pair of the smallest ones", 3, 1],
  ["rows in which every other number is 0", 1, 0],
] as const)("%s is told from what it should be", async ([, m, n]) => {
  const { x, product } = trialCase(37);
  const { tensor, row } = await saturating.run({ x });
  const N = product.length / 37;
  const off = [tensor, row].map((found) =>
    Math.abs(Number(found?.data[m * N + n]) - (product[m * N + n] ?? NaN)),
  );
  // 255 x 127 fits into 16 bits alone, but not together with 128 x 127.
  expect(off.some((one) => one > 0.5)).toBe(true);
});

test.each<[string, (value: number, height: number) => number]>([
  ["other numbers", (value) => value + 1],
  ["no numbers", () => NaN],
  ["other numbers of one row alone", (value, height) => (height === 1 ? value + 1 : value)],
])("an engine that gives %s is not exact", async (_, change) => {
  const broken: Session = {
    run: async (feeds) => {
      const { tensor, row } = await exact.run(feeds);
      if (tensor?.dtype !== "float32" || row?.dtype !== "float32") throw new Error("an output is missing");
      const [height = 0] = row.dims;
      const data = row.data.map((value, at) => (at === 9 ? change(value, height) : value));
      return { tensor, row: { ...row, data } };
    },
  };
  expect(await isExact(exact)).toBe(true);
  expect(await isExact(broken)).toBe(false);
});

test("a process tries once, for all who ask at the same time and later", async () => {
  const trial = new Int8Trial(unsignedConfig);
  const { asked, lend } = lender(exact, exact);
  await Promise.all([trial.config(lend), trial.config(lend), trial.products(lend)]);
  await trial.config(lend);
  expect(asked).toHaveLength(1);
});

test("whoever asked first may go: the next one tries, and until then weights are unsigned", async () => {
  const trial = new Int8Trial(unsignedConfig);
  const gone: LendSession = () => Promise.reject(new Error("the thread is gone"));
  const { asked, lend } = lender(exact, exact);
  const found = await Promise.all([trial.config(gone), trial.config(lend), trial.config(lend)]);
  expect(found).toEqual([unsignedConfig, {}, {}]);
  expect(asked).toHaveLength(1);
  await expect(new Int8Trial(unsignedConfig).products(gone)).rejects.toThrow("gone");
});

test("the engine here is exact with what was found out", async () => {
  const found = await int8Products();
  expect(found.exact).toBe(true);
  expect(await int8Products()).toBe(found);
});

/** ONNX Runtime's entry has no effect in WebAssembly, so no trial runs there. */
test("the engine of pages is exact with signed weights", async () => {
  web.env.wasm.numThreads = 1;
  const session = await web.InferenceSession.create(trialModel().onnx);
  const page: Session = {
    run: async ({ x }) => {
      if (!x || !("data" in x) || x.dtype !== "float32") throw new Error("x is missing");
      const found = await session.run({ x: new web.Tensor("float32", x.data, x.dims) });
      return Object.fromEntries(
        Object.entries(found).map(([name, { dims, data }]) => [
          name,
          { dtype: "float32" as const, dims, data: data as Float32Array },
        ]),
      );
    },
  };
  expect(await isExact(page)).toBe(true);
});

test("a network in 8 bits gives the same numbers with unsigned weights as with those that were chosen", async () => {
  const logits = async (int8Trial?: Int8Trial) => {
    const platform: Platform<never> = {
      ...nodePlatform,
      createEngine: (options) => createNodeEngine({ ...options, ...(int8Trial && { int8Trial }) }),
    };
    await using model = await ImageTextRetrieval.load(platform, fixture("tiny/match"), { dtype: "int8" });
    const golden = await goldenTensors("match");
    const pixelValues = await golden.floats("pixel_values");
    const inputIds = await golden.ids("input_ids");
    return (await model.forward({ pixelValues, inputIds })).itmScore.data;
  };
  const asked = vi.spyOn(Int8Trial.prototype, "config");
  const chosen = await logits();
  const sessions = asked.mock.calls.length;
  expect(sessions).toBeGreaterThan(1);
  const unsigned = new Int8Trial(unsignedConfig);
  await unsigned.products(lender(saturating, exact).lend);
  expect(await logits(unsigned)).toEqual(chosen);
  const configs = asked.mock.results.slice(sessions).map(({ value }) => value as unknown);
  expect(await Promise.all(configs)).toEqual(new Array(sessions).fill(unsignedConfig));
  asked.mockRestore();
});
