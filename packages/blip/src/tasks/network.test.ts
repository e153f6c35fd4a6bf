// What a network asks of its engine: which sessions are loaded with their weights as they lie.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { NetworkDType, Platform } from "../platform.ts";
import type { SessionOptions } from "../runtime/runtime.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { QuestionAnswering } from "./question-answering.ts";

let root = "";
const home = process.env.HF_HOME;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-network-"));
  process.env.HF_HOME = root;
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(root, { recursive: true, force: true });
});

/** Node, noting by name which sessions are made for many rows. */
function watched() {
  const manyRows: Record<string, boolean> = {};
  const platform: Platform<never> = {
    ...nodePlatform,
    createEngine(options) {
      const engine = nodePlatform.createEngine(options);
      return {
        async createSession(model, more: SessionOptions = {}) {
          const session = await engine.createSession(model, more);
          manyRows[more.name ?? ""] = more.manyRows === true;
          return session;
        },
        [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
      };
    },
  };
  return { platform, manyRows };
}

const pixels = (side: number) => ({
  dtype: "float32" as const,
  dims: [1, 3, side, side],
  data: new Float32Array(3 * side * side),
});
const ids = { dtype: "int64" as const, dims: [1, 3], data: BigInt64Array.of(2n, 30n, 3n) };

describe("sessions whose products have a picture's rows", () => {
  test.each<[NetworkDType, boolean]>([
    ["fp32", true],
    ["int8", false],
  ])("in %s a picture's states and what a decoder attends to: %s", async (dtype, expected) => {
    const { platform, manyRows } = watched();
    await using model = await ConditionalGeneration.load(platform, fixture("tiny/caption"), {
      dtype,
      onWarning: () => undefined,
    });
    const { imageSize } = model.loaded;
    await model.generate({ pixelValues: pixels(imageSize) }, { maxNewTokens: 2 });
    expect(manyRows).toEqual({ image: expected, memory: expected, decode: false });
  });

  test("where a decoder attends to questions, those have few rows", async () => {
    const { platform, manyRows } = watched();
    await using model = await QuestionAnswering.load(platform, fixture("tiny/vqa"));
    const { imageSize } = model.loaded;
    await model.generate({ pixelValues: pixels(imageSize), inputIds: ids }, { maxNewTokens: 2 });
    expect(manyRows).toMatchObject({ image: true, memory: false, decode: false });
  });
});
