// The row form of every verb: order, fields that are passed through, images read and encoded once within the window,
// wrong rows.
import { arrayOf } from "@blip-ts/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { watchedRuns } from "../../test/support/watched-runs.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Platform } from "../platform.ts";
import { Answerer } from "./ask.ts";
import { Blip } from "./blip/blip.ts";
import { Captioner } from "./caption.ts";
import { Comparer } from "./compare.ts";
import { Embedder } from "./embed.ts";
import { Matcher } from "./match.ts";

const scene = (n: number) => fixture(`../examples/scenes/${String(n).padStart(2, "0")}.png`);
const sheep = "a small sheep on a purple background";
const tulip = "a tulip above a cow on a red background";

/** A platform that records which images are read, and how many the encoder gets. */
function watched() {
  const { platform: counted } = watchedRuns();
  const read: string[] = [];
  let encoded = 0;
  const platform: Platform<string> = {
    ...counted,
    decodeImage: (input, options) => {
      read.push(input);
      return counted.decodeImage(input, options);
    },
    createEngine(options) {
      const engine = counted.createEngine(options);
      return {
        ...engine,
        createSession: async (model, more) => {
          const session = await engine.createSession(model, more);
          if (more?.name !== "image") return session;
          return {
            ...session,
            run: (feeds, call) => {
              encoded += feeds.pixel_values?.dims[0] ?? 0;
              return session.run(feeds, call);
            },
          };
        },
      };
    },
  };
  return {
    platform,
    read,
    encoded: () => encoded,
    reset: () => {
      read.length = 0;
      encoded = 0;
    },
  };
}

/** Rows from a slow source, one by one. */
async function* slowly<Row>(rows: readonly Row[]): AsyncGenerator<Row> {
  for (const row of rows) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield row;
  }
}

describe("rows of match", () => {
  const { platform, read, encoded, reset } = watched();
  let matcher: Matcher<string>;
  beforeAll(async () => {
    matcher = await Matcher.load(platform, "picture-book");
  });
  beforeEach(reset);
  afterAll(() => matcher.close());

  test("keep their order and their other fields, and read and encode an image once however far apart", async () => {
    const rows = [1, 2, 3, 4, 5, 6, 7, 1, 2, 1].map((n, id) => ({
      ...{ id, image: scene(n) },
      text: n === 2 ? tulip : sheep,
    }));
    const found = await arrayOf(matcher.rows(slowly(rows)));
    expect(found).toMatchObject(rows);
    expect(read.length).toBe(7);
    expect(encoded()).toBe(7);
    const [one, two] = found;
    expect(found[7]).toEqual({ ...one, id: 7 });
    expect(found[8]).toEqual({ ...two, id: 8 });
    const matrix = await arrayOf(matcher.match([scene(1), scene(2)], [sheep, tulip]));
    for (const [row, own] of [
      [one, matrix[0]],
      [two, matrix[3]],
    ] as const) {
      if (!row || "error" in row || !own || "error" in own) return expect.fail("a row is missing");
      expect(row.probability).toBeCloseTo(own.probability, 4);
    }
  });

  test("have the numbers of the verb's own call", async () => {
    const [expected] = await arrayOf(matcher.match([scene(1)], [sheep]));
    expect(await arrayOf(matcher.rows([{ image: scene(1), text: sheep }]))).toEqual([expected]);
  });

  test("share an image across the border of two windows, and not over more than a window", async () => {
    const rows = [1, 2, 1, 3, 4, 1].map((n) => ({ image: scene(n), text: sheep }));
    const found = await arrayOf(matcher.rows(rows, { window: 2 }));
    expect(found).toHaveLength(6);
    // Windows: 1 2 | 1 3 | 4 1. Each finds image 1 in the previous window.
    expect(read).toEqual([1, 2, 3, 4].map(scene));
    reset();
    await arrayOf(matcher.rows(rows, { window: 1 }));
    // One row per window: at the second 1, the previous window has only 2.
    expect(read).toEqual([1, 2, 1, 3, 4, 1].map(scene));
  });

  test("that are wrong come back with their error, and the others go on", async () => {
    const rows = [
      { id: 0, image: scene(1), text: sheep },
      { id: 1, image: "/nowhere.png", text: sheep },
      { id: 2, image: scene(1), text: "  " },
      { id: 3, image: scene(2), text: tulip },
      { id: 4, image: "/nowhere.png", text: tulip },
    ];
    const found = await arrayOf(matcher.rows(rows));
    expect(found.map((row) => (row.error ? [row.id, row.error.code] : [row.id]))).toEqual([
      [0],
      [1, "image/not-found"],
      [2, "text/empty"],
      [3],
      [4, "image/not-found"],
    ]);
    expect(found[1]).toMatchObject({ image: "/nowhere.png", text: sheep });
  });

  test("before a failure of their source are answered first", async () => {
    async function* failing() {
      yield* slowly([{ image: scene(1), text: sheep }]);
      throw new Error("the disk is gone");
    }
    const rows = matcher.rows(failing());
    expect((await rows.next()).value).toMatchObject({ text: sheep });
    await expect(rows.next()).rejects.toThrow("the disk is gone");
  });

  test("are none of an empty source, and a wrong window is refused", async () => {
    expect(await arrayOf(matcher.rows([]))).toEqual([]);
    for (const window of [0, 1.5, NaN])
      await expect(matcher.rows([], { window }).next()).rejects.toMatchObject({ code: "usage/bad-option" });
  });

  test("are read no further than the window, and no more when a caller stops", async () => {
    let pulled = 0;
    function* endless() {
      for (;;) {
        pulled++;
        yield { image: scene(1), text: sheep };
      }
    }
    for await (const row of matcher.rows(endless(), { window: 3 })) {
      expect(row.text).toBe(sheep);
      break;
    }
    expect(pulled).toBe(3);
  });
});

test("rows of captions have a prompt each, and as many answers as are asked for", async () => {
  const { platform, read } = watched();
  await using captioner = await Captioner.load(platform, "picture-book", { score: true });
  const rows = [
    { id: "a", image: scene(2) },
    { id: "b", image: scene(2), prompt: "a tulip" },
    { id: "c", image: scene(1), prompt: "a ".repeat(40) },
  ];
  const found = await arrayOf(captioner.rows(rows, { beams: 2, numReturn: 2 }));
  expect(read).toEqual([scene(2)]);
  expect(found.map(({ id }) => id)).toEqual(["a", "a", "b", "b", "c"]);
  expect(found[4]).toHaveProperty("error.code");
  const own = await arrayOf(captioner.caption([scene(2)], { beams: 2, numReturn: 2 }));
  own.forEach((row, index) => {
    const other = found[index];
    if ("error" in row || !other || "error" in other) return expect.fail("a caption is missing");
    expect(other.caption).toBe(row.caption);
    expect(other.match).toBeCloseTo(row.match ?? NaN, 4);
  });
  await expect(captioner.rows(rows, { beams: 0 }).next()).rejects.toMatchObject({ name: "UsageError" });
});

test("rows of questions and of statements", async () => {
  const { platform, read } = watched();
  await using answerer = await Answerer.load(platform, fixture("tiny/vqa-original"));
  const questions = [1, 2, 1].map((n, id) => ({ id, image: scene(n), question: "what is it?" }));
  const answers = await arrayOf(answerer.rows([...questions, { id: 3, image: scene(1), question: "" }]));
  expect(answers.slice(0, 3)).toMatchObject(questions);
  expect(answers[3]).toMatchObject({ id: 3, error: { code: "text/empty" } });
  expect(answers[2]).toEqual({ ...answers[0], id: 2 });
  expect(read).toHaveLength(2);
  const [alone] = await arrayOf(answerer.ask([scene(1)], ["what is it?"]));
  expect(answers[0]).toMatchObject({ answer: alone && "answer" in alone ? alone.answer : undefined });
  read.length = 0;
  await using comparer = await Comparer.load(platform, fixture("tiny/nlvr-original"));
  const statements = [
    { id: 0, images: [scene(1), scene(2)] as const, statement: "they are alike" },
    { id: 1, images: [scene(2), scene(1)] as const, statement: "they are alike" },
    { id: 2, images: [scene(3), "/nowhere.png"] as const, statement: "they are alike" },
    { id: 3, images: [scene(1), scene(2)] as const, statement: "there is a sheep" },
  ];
  const judged = await arrayOf(comparer.rows(statements));
  expect(judged).toMatchObject(statements);
  expect(judged[2]).toMatchObject({ error: { code: "image/not-found" } });
  expect(read).toHaveLength(4);
  for (const [index, row] of [statements[0], statements[1], statements[3]].entries()) {
    if (!row) return expect.fail("a row is missing");
    const [own] = await arrayOf(comparer.compare(row.images, [row.statement]));
    const other = judged[[0, 1, 3][index] ?? 0];
    if (!own || "error" in own || !other || "error" in other) return expect.fail("a judgement is missing");
    expect(other.label).toBe(own.label);
    expect(other.probability).toBeCloseTo(own.probability, 5);
  }
});

test("rows of embeddings are of images and of texts", async () => {
  const { platform } = watched();
  await using embedder = await Embedder.load(platform, "picture-book");
  const found = await arrayOf(embedder.rows([{ text: sheep }, { image: scene(1) }, { text: " " }]));
  const [image] = await arrayOf(embedder.embedImages([scene(1)]));
  const [text] = await arrayOf(embedder.embedTexts([sheep]));
  expect(found.slice(0, 2)).toEqual([text, image]);
  expect(found[2]).toMatchObject({ error: { code: "text/empty" } });
});

test("a model of several tasks has the same, over images that it encodes once for all of them", async () => {
  const { platform, encoded } = watched();
  const pretrained = fixture("tiny/pretrain-original");
  await using blip = await Blip.load(platform, pretrained);
  await using captioner = await Captioner.load(nodePlatform, pretrained);
  const [alone] = await arrayOf(captioner.caption([scene(2)]));
  await using image = await blip.image(scene(2));
  const [matched] = await arrayOf(blip.matchRows([{ id: 7, image, text: tulip }]));
  const [captioned] = await arrayOf(blip.captionRows(slowly([{ id: 8, image: scene(2) }])));
  const [embedded] = await arrayOf(blip.embedRows([{ image }]));
  expect(matched).toMatchObject({ id: 7, image });
  expect(captioned).toEqual({ ...alone, id: 8 });
  expect(embedded).toHaveProperty("embedding");
  expect(encoded()).toBe(1);
  expect(() => blip.askRows([{ image, question: "what?" }])).toThrow(/cannot do "ask"/);
});
