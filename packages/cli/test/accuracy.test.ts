// What is said of captions in another type: how many are the same, and how probable the same tokens are.
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { accuracy, accuracyTable } from "../src/accuracy.ts";
import { generated, greedyCaptions } from "../src/greedy-captions.ts";

const place = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const images = ["01", "02", "03"].map((name) => place(`examples/scenes/${name}.png`));
const quiet = { onWarning: () => undefined };
const tiny = (name: string) => ({ source: place(`fixtures/tiny/${name}`), options: quiet });
const model = tiny("caption");

describe("captions beside each other", () => {
  test("of one model are the same, and equally probable", async () => {
    const rows = await accuracy("caption", model, model, images, []);
    expect(rows).toMatchObject([
      { measure: "caption, greedy", compared: 3, same: 3 },
      { measure: "token of a caption, greedy", same: rows[1]?.compared },
      { largest: 0, mean: 0 },
    ]);
    expect(rows[1]?.compared).toBeGreaterThan(3);
    expect(rows[2]?.compared).toBe(rows[1]?.compared);
    expect(accuracyTable(rows)).toContain("3 (100.0 %)");
  });

  test("of two models: tokens that are the same are counted place by place, longer captions to their end", async () => {
    const other = tiny("pretrain-original");
    const [rows, one, two] = [
      await accuracy("caption", model, other, images, []),
      await greedyCaptions(model.source, quiet, images),
      await greedyCaptions(other.source, quiet, images),
    ];
    let [compared, same] = [0, 0];
    one.captions.forEach((caption, index) => {
      const [a, b] = [generated(caption), generated(two.captions[index] ?? caption)];
      compared += Math.max(a.length, b.length);
      same += a.filter((token, at) => token === b[at]).length;
    });
    expect(same).toBeLessThan(compared);
    expect(rows[1]).toMatchObject({ compared, same });
    // Each caption's own tokens, whatever the other model says.
    expect(rows[2]?.compared).toBe(one.captions.flatMap(generated).length);
    expect(rows[2]?.largest).toBeGreaterThan(0.1);
  });

  test("a caption's tokens are as probable along it as they were when it was made", async () => {
    const { captions, forced } = await greedyCaptions(model.source, quiet, images);
    for (const [index, { tokenLogProbabilities }] of captions.entries())
      tokenLogProbabilities.forEach((value, at) => {
        // float32 sums in another order move logits of about 1 by 1e-6.
        expect(Math.abs(value - (forced[index]?.[at] ?? NaN))).toBeLessThan(1e-5);
      });
    expect(forced.map(({ length }) => length)).toEqual(captions.map((one) => generated(one).length));
  });
});

test.each([
  ["match", "match"],
  ["caption", "caption"],
  ["ask", "vqa"],
  ["compare", "nlvr-original"],
  ["embed", "match"],
])("a comparison stops when it is told to: %s", async (task, name) => {
  const signal = AbortSignal.abort(new Error("enough"));
  const { source } = tiny(name);
  const stopped = { source, options: { ...quiet, signal } };
  await expect(accuracy(task, stopped, stopped, images, ["a dog"])).rejects.toThrow("enough");
});
