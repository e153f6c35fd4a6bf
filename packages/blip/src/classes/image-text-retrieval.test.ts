// The whole network on ONNX Runtime against transformers, from the checkpoint file to the logits.
import { readFile } from "node:fs/promises";
import { floatTensor, sizeOf, type Tensor } from "@blip-ts/graph";
import { afterAll, describe, expect, test } from "vitest";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";

interface Golden {
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
  readonly itm_score: number[][];
  readonly cosine: number[][];
  readonly itm_score_160x144: number[][];
}

const root = new URL("../../../../", import.meta.url);
const golden = JSON.parse(
  await readFile(new URL("fixtures/goldens/picture-book-forward.json", root), "utf8"),
) as Golden;

/** The formula in the oracle's script. */
function pixels(...dims: number[]): Tensor<"float32"> {
  const data = Float32Array.from(
    { length: sizeOf(dims) },
    (_, k) => (Math.imul(k, 2654435761) >>> 0) / 2 ** 30 - 2,
  );
  return floatTensor(dims, data);
}

function ids(rows: readonly (readonly number[])[]): Tensor<"int64"> {
  return {
    dtype: "int64",
    dims: [rows.length, rows[0]?.length ?? 0],
    data: BigInt64Array.from(rows.flat(), BigInt),
  };
}

/**
 * A different order of float32 sums changes these logits of magnitude 5 by about 1e-6; a wrong mask or scale changes
 * them by 1e-2.
 */
const tolerance = 1e-5;

function expectClose(found: Tensor<"float32">, expected: readonly (readonly number[])[]) {
  expect(found.dims).toEqual([expected.length, expected[0]?.length]);
  expected
    .flat()
    .forEach((value, index) => expect(Math.abs((found.data[index] ?? NaN) - value)).toBeLessThan(tolerance));
}

describe("ImageTextRetrieval", async () => {
  const model = await ImageTextRetrieval.load(nodePlatform, "picture-book");
  afterAll(() => model[Symbol.asyncDispose]());
  const texts = { inputIds: ids(golden.input_ids), attentionMask: ids(golden.attention_mask) };

  test("gives transformers' ITM logits", async () => {
    const { itmScore } = await model.forward({ pixelValues: pixels(3, 3, 128, 128), ...texts });
    expectClose(itmScore, golden.itm_score);
  });

  test("gives transformers' cosines where the ITM head is not used", async () => {
    const inputs = { pixelValues: pixels(3, 3, 128, 128), ...texts };
    const { itmScore } = await model.forward(inputs, { useItmHead: false });
    expectClose(itmScore, golden.cosine);
  });

  test("interpolates the positions of images of another size", async () => {
    const inputs = { pixelValues: pixels(3, 3, 160, 144), ...texts };
    const { itmScore } = await model.forward(inputs, { interpolatePosEncoding: true });
    expectClose(itmScore, golden.itm_score_160x144);
  });

  test("rejects images of another size unless asked to interpolate", async () => {
    const call = model.forward({ pixelValues: pixels(1, 3, 64, 64), ...texts });
    await expect(call).rejects.toMatchObject({ code: "model/bad-pixels" });
  });

  test("scores several texts of one image as it scores them with the image repeated", async () => {
    const { states } = await model.encodeImages(pixels(1, 3, 128, 128));
    const together = await model.matchTexts(states, texts);
    const repeated = floatTensor(
      [3, ...states.dims.slice(1)],
      [...states.data, ...states.data, ...states.data],
    );
    const apart = await model.matchTexts(repeated, texts);
    apart.logits.data.forEach((value, index) =>
      expect(Math.abs((together.logits.data[index] ?? NaN) - value)).toBeLessThan(tolerance),
    );
  });

  test("rejects at once where the signal is aborted", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(model.encodeImages(pixels(1, 3, 128, 128), { signal })).rejects.toThrow("enough");
  });
});
