// What the embedded model says of its example scenes: transformers' captions, and sentences that are about the scene.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Captioner } from "blip-ts";
import { afterAll, describe, expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);
const scenePath = (image: string) => fileURLToPath(new URL(`examples/scenes/${image}`, root));

interface Golden {
  readonly captions: readonly {
    image: string;
    prompt: string | null;
    num_beams?: number;
    max_length?: number;
    min_length?: number;
    tokens: readonly number[];
    caption: string;
  }[];
}

interface Scene {
  readonly image: string;
  readonly true: string;
}

const json = async (place: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(place, root), "utf8"));

describe("captions of the embedded model", async () => {
  const { captions } = (await json("fixtures/goldens/picture-book.json")) as Golden;
  const scenes = (await json("examples/scenes/scenes.json")) as readonly Scene[];
  const captioner = await Captioner.fromPretrained("picture-book", { compat: "hf" });
  afterAll(() => captioner[Symbol.asyncDispose]());

  test("are transformers', token by token, greedy and with three beams", async () => {
    for (const beams of [undefined, 3]) {
      const expected = captions.filter((golden) => golden.num_beams === beams);
      expect(expected).toHaveLength(scenes.length);
      const [first] = expected;
      const rows = captioner.caption(
        expected.map(({ image }) => scenePath(image)),
        {
          ...(typeof first?.prompt === "string" && { prompt: first.prompt }),
          beams,
          maxLength: first?.max_length,
          minLength: first?.min_length,
        },
      );
      let row = 0;
      for await (const found of rows) {
        if (found.error) throw new Error(found.error.message);
        const { tokens, caption } = expected[row++] ?? {};
        expect([...found.tokens]).toEqual(tokens);
        expect(found.caption).toBe(caption);
      }
      expect(row).toBe(scenes.length);
    }
  });

  test("say what the scenes show, and its own matching heads agree", async () => {
    await using scored = await Captioner.fromPretrained("picture-book", { score: true });
    const rows = [];
    for await (const row of scored.caption(scenes.map(({ image }) => scenePath(image)))) {
      if (row.error) throw new Error(row.error.message);
      rows.push(row);
    }
    // Some of the scenes' own sentences say no size and no background.
    const told = rows.filter(({ caption }, index) => caption.includes(scenes[index]?.true ?? "?"));
    expect(told.length).toBeGreaterThanOrEqual(9);
    for (const { match } of told) expect(match).toBeGreaterThan(0.9);
  });
});
