// What the embedded model says of its example scenes: transformers' captions and answers, and sentences that are about
// the scene.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Answerer, Captioner } from "blip-ts";
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
  readonly answers: readonly {
    image: string;
    question: string;
    tokens: readonly number[];
    answer: string;
  }[];
}

interface Scene {
  readonly image: string;
  readonly things: readonly string[];
}

const json = async (place: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(place, root), "utf8"));

test("answers of the embedded model are transformers', token by token", async () => {
  const { answers } = (await json("fixtures/goldens/picture-book.json")) as Golden;
  expect(answers).toHaveLength(12);
  await using answerer = await Answerer.fromPretrained("picture-book", { compat: "hf" });
  for (const { image, question, tokens, answer } of answers)
    for await (const row of answerer.ask([scenePath(image)], [question])) {
      if (row.error) throw new Error(row.error.message);
      expect([...row.tokens]).toEqual(tokens);
      expect(row.answer).toBe(answer);
    }
});

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
    const told = rows.filter(({ caption }, index) =>
      scenes[index]?.things.some((thing) => caption.includes(thing)),
    );
    expect(told.length).toBeGreaterThanOrEqual(10);
    for (const { match } of told) expect(match).toBeGreaterThan(0.8);
  });
});
