// Memory bounds: what fits, what is rejected, and batches that shrink.
import { describe, expect, test } from "vitest";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Captioner } from "../verbs/caption.ts";
import { loadNetwork } from "./load-model.ts";
import { leastMemory } from "./memory-plan.ts";
import { Matcher } from "../verbs/match.ts";

const tiny = fixture("tiny/match");
const load = (memory?: number) => loadNetwork(nodePlatform, tiny, ["match"], { memory });

/** The least bound, as named by the error. */
async function least(): Promise<number> {
  const { code, fields } = await failureOf(() => load(1));
  expect(code).toBe("usage/memory-too-small");
  return Number(fields.least);
}

describe("a bound of memory", () => {
  test("that the model does not fit in is rejected with the least that would do, which does", async () => {
    const enough = await least();
    await using small = (await load(enough)).network;
    await expect(load(enough - 1)).rejects.toMatchObject({ code: "usage/memory-too-small" });
    expect(small).toBeDefined();
    for (const wrong of [0, -1, NaN, Infinity])
      await expect(load(wrong)).rejects.toMatchObject({ code: "usage/bad-option" });
  });

  test("counts the least batch with 30 % to spare, which allocators keep", () => {
    const width = { hiddenSize: 768, layers: 12, heads: 12, intermediateSize: 3072, layerNormEps: 1e-6 };
    const config = {
      vision: { ...width, imageSize: 384, patchSize: 16 },
      text: { ...width, vocabSize: 30524, maxPositions: 512 },
      jointEmbedding: 256,
    };
    // 346.03 MB of the process, and 40.36 MB of numbers for one image and 64 tokens of text.
    const needs = { config, shapes: [], graphs: [], holds: false };
    expect(leastMemory(needs)).toBe(Math.ceil(346.03 + 1.3 * 40.36));
  });

  test("makes batches smaller, and the larger it is the less", async () => {
    const enough = await least();
    const all = [enough, enough + 2, 2000].map(async (memory) => (await load(memory)).limits);
    const [small, , large] = await Promise.all(all);
    const free = (await load()).limits;
    expect([small?.images, large?.images, free.images]).toEqual([1, 4, undefined]);
    expect(small?.texts.tokens).toBeLessThan(large?.texts.tokens ?? 0);
    expect(small?.crossAttention(17).rows).toBe(1);
    expect(large?.crossAttention(17)).toEqual(free.crossAttention(17));
  });

  test("of two models counts their process once, and a refusal names the bound that was given", async () => {
    const captioner = (memory: number, matchModel?: string) =>
      Captioner.load(nodePlatform, fixture("tiny/caption"), { memory, matchModel });
    const alone = Number((await failureOf(() => captioner(1))).fields.least);
    const both = await failureOf(() => captioner(alone, tiny));
    const together = Number(both.fields.least);
    expect(both.message).toBe(
      `memory: expected at least ${together} MB for these 2 models and the smallest batches, got ${alone}. Raise it.`,
    );
    // The second model adds its sessions and batches; another process would add 346 MB.
    expect(together - alone).toBeGreaterThan(20);
    expect(together - alone).toBeLessThan(200);
    await expect(captioner(together - 1, tiny)).rejects.toMatchObject({ code: "usage/memory-too-small" });
    await using enough = await captioner(together, tiny);
    expect(enough.model.loaded.limits.images).toBe(1);
    // The error for a too large image also names the bound of both, under which it is decoded.
    const large = 150e6;
    const named = Math.ceil((enough.model.loaded.limits.decoding?.boundFor(large) ?? 0) / 1e6);
    await using roomy = await captioner(named, tiny);
    expect(roomy.model.loaded.limits.decoding?.apart).toBeGreaterThanOrEqual(large);
    await using tight = await captioner(named - 3, tiny);
    expect(tight.model.loaded.limits.decoding?.apart).toBeLessThan(large);
  });

  test("changes no row", async () => {
    const memory = await least();
    const scene = (n: number) => fixture(`../examples/scenes/0${n}.png`);
    const images = [1, 2, 3].map(scene);
    const texts = ["a sheep", "a red car on a green background", "two cats"];
    await using free = await Matcher.load(nodePlatform, "picture-book");
    const rows = await arrayOf(free.match(images, texts));
    await using matcher = await Matcher.load(nodePlatform, "picture-book", { memory: memory + 200 });
    const bounded = await arrayOf(matcher.match(images, texts, { imageBatchSize: 3 }));
    rows.forEach((row, index) => {
      const other = bounded[index];
      if ("error" in row || !other || "error" in other) return expect.fail("a row is missing");
      expect([other.image, other.text]).toEqual([row.image, row.text]);
      // Batches of other sizes sum float32 in a different order: logits up to 6 change by 1e-5.
      expect(other.logits[1]).toBeCloseTo(row.logits[1], 4);
      expect(other.cosine).toBeCloseTo(row.cosine, 5);
    });
  });
});
