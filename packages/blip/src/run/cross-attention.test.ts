// Cross-attention of texts to images: the form is chosen by shape, all forms give the same result, and rows do not
// depend on each other.
import { afterAll, describe, expect, test } from "vitest";
import { fixture, goldenTensors } from "../../test/support/goldens.ts";
import type { BlipConfig } from "../model/config.ts";
import type { CrossAttentionForm } from "../model/encoders.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { loadNetwork } from "../load/load-model.ts";
import { chooseForm, tokensWorthCaching } from "./cross-attention-form.ts";
import { CrossAttention, type CrossAttentionWork } from "./cross-attention.ts";

const base = {
  vision: { hiddenSize: 768 },
  text: { hiddenSize: 768, heads: 12 },
} as BlipConfig;

describe("the form", () => {
  test("at base size is folded up to some seven texts of an image, and cached for more", () => {
    expect(tokensWorthCaching(base, 577)).toBe(78);
    const form = (texts: number) => chooseForm(base, "itm", { tokens: 12 * texts, states: 577 });
    expect([1, 6, 7, 128].map(form)).toEqual(["folded", "folded", "cached", "cached"]);
  });

  test("is not cached for NLVR2, which looks at two images", () => {
    const form = (tokens: number) => chooseForm(base, "nlvr", { tokens, states: 577 });
    expect([12, 1000].map(form)).toEqual(["folded", "plain"]);
  });
});

/** A different order of float32 sums changes logits of magnitude 1 by 1e-6. */
const tolerance = 1e-5;
const far = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, index) => Math.abs(value - (b[index] ?? NaN))));

describe("texts over images", async () => {
  const loaded = await loadNetwork(nodePlatform, fixture("tiny/match"), ["match"]);
  afterAll(() => loaded.network[Symbol.asyncDispose]());
  const crossAttention = new CrossAttention(loaded);
  const states = await (await goldenTensors("match")).floats("vision.last_hidden_state");
  const [I = 0, N = 0, D = 0] = states.dims;
  const images = Array.from(
    { length: I },
    (_, image) => [states.data.slice(image * N * D, (image + 1) * N * D)] as const,
  );
  /** 40 texts of 3 to 19 tokens, distributed over the images; some images have more texts than others. */
  const rows = Array.from({ length: 40 }, (_, index) => {
    const length = 3 + ((index * 7) % 17);
    const ids = BigInt64Array.from({ length }, (_, token) => BigInt(5 + ((index * 31 + token * 11) % 100)));
    return { ids, mask: ids.map(() => 1n), image: Math.floor((index * index) % (I + 1)) % I };
  });
  const work: CrossAttentionWork = { images, states: N, rows };
  const options = { head: "itm" } as const;
  const alone = await Promise.all(
    rows.map(async ({ image, ...row }) => {
      const one = { images: images.slice(image, image + 1), states: N, rows: [{ ...row, image: 0 }] };
      return crossAttention.run(one, { ...options, form: "plain", allStates: true });
    }),
  );

  test.each<CrossAttentionForm>(["plain", "cached", "folded"])(
    "%s: each row is what it is alone",
    async (form) => {
      const { logits } = await crossAttention.run(work, { ...options, form });
      const all = await crossAttention.run(work, { ...options, form, allStates: true });
      expect(logits).toHaveLength(rows.length);
      alone.forEach((one, index) => {
        expect(far(one.logits[0] ?? [], logits[index] ?? [])).toBeLessThan(tolerance);
        expect(far(one.logits[0] ?? [], all.logits[index] ?? [])).toBeLessThan(tolerance);
        expect(all.states[index]).toHaveLength(
          (rows[index]?.ids.length ?? 0) * loaded.config.text.hiddenSize,
        );
        expect(far(one.states[0] ?? [], all.states[index] ?? [])).toBeLessThan(tolerance);
      });
      // Equal results for all texts would hide a wrong order.
      expect(new Set(logits.map(([no]) => no.toFixed(4))).size).toBeGreaterThan(30);
    },
  );

  test.each<CrossAttentionForm>(["plain", "cached", "folded"])(
    "%s: a text of an image that is not there throws, and is paired with no other",
    async (form) => {
      const strays = rows.slice(0, 2).map((row, index) => ({ ...row, image: index === 0 ? 0 : I }));
      await expect(crossAttention.run({ ...work, rows: strays }, { ...options, form })).rejects.toThrow(
        `images of texts: expected an index from 0 to ${I - 1}, got ${I}.`,
      );
    },
  );

  test("runs the form that its shape asks for", async () => {
    const worth = tokensWorthCaching(loaded.config, N);
    const forms = [worth - 1, worth].map((tokens) => crossAttention.form("itm", { tokens, states: N }));
    expect(forms).toEqual(["folded", "cached"]);
    await expect(crossAttention.run({ images, states: N, rows: [] }, options)).resolves.toEqual({
      logits: [],
      states: [],
    });
  });
});

describe("statements about two images", async () => {
  const loaded = await loadNetwork(nodePlatform, fixture("tiny/nlvr-original"), ["compare"], {
    compat: "blip",
  });
  afterAll(() => loaded.network[Symbol.asyncDispose]());

  test("folded, are judged as they are with keys and values", async () => {
    const crossAttention = new CrossAttention(loaded);
    const { hiddenSize } = loaded.config.vision;
    const N = 5;
    const image = (seed: number) =>
      Float32Array.from({ length: N * hiddenSize }, (_, k) => Math.sin(seed + k * 1.7));
    const rows = [6, 4].map((length, index) => {
      const ids = BigInt64Array.from({ length }, (_, token) => BigInt(7 + index + token));
      return { ids, mask: ids.map(() => 1n), image: index };
    });
    const work: CrossAttentionWork = {
      images: [
        [image(1), image(2)],
        [image(3), image(4)],
      ],
      states: N,
      rows,
    };
    const judge = (form: CrossAttentionForm) => crossAttention.run(work, { head: "nlvr", form });
    const [plain, folded] = [await judge("plain"), await judge("folded")];
    expect(plain.logits).toHaveLength(2);
    expect(far(plain.logits.flat(), folded.logits.flat())).toBeLessThan(tolerance);
  });
});
