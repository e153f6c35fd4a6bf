// A model of several tasks: one network, images encoded once, handles, errors at the call, closing, and a memory limit.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { watchedRuns } from "../../../test/support/watched-runs.ts";
import { heldBytes } from "../../load/memory-plan.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { Answerer } from "../ask.ts";
import { Blip } from "./blip.ts";
import { Captioner } from "../caption.ts";
import { Comparer } from "../compare.ts";
import { Embedder } from "../embed.ts";
import { Matcher } from "../match.ts";
import { Retriever } from "../retrieve.ts";

const scene = (n: number) => fixture(`../examples/scenes/${String(n).padStart(2, "0")}.png`);
const texts = ["a sheep", "a tulip above a cow on a red background"];
const pretrained = fixture("tiny/pretrain-original");

describe("one model for several tasks", () => {
  const { platform, runs, loads } = watchedRuns();
  let blip: Blip<string>;
  beforeAll(async () => {
    blip = await Blip.load(platform, "picture-book");
  });
  beforeEach(() => runs.clear());
  afterAll(() => blip.close());

  test("says what it can do", async () => {
    expect(blip.tasks).toEqual(expect.arrayContaining(["match", "retrieve", "caption", "embed"]));
    await using own = await Blip.load(nodePlatform, pretrained);
    expect(own.tasks).toEqual(["match", "retrieve", "caption", "embed"]);
  });

  test("gives the numbers of the models of one task, to the digit, and encodes an image once for all tasks", async () => {
    const [image] = [scene(2)];
    const rows = [
      ...(await arrayOf(blip.match([image], texts))),
      ...(await arrayOf(blip.caption([image]))),
      ...(await arrayOf(blip.embed([image], texts))),
      ...(await arrayOf(blip.retrieve([image], texts))),
      ...(await arrayOf(blip.retrieve([image], texts, { by: "image" }))),
    ];
    expect(runs.get("image")).toBe(1);
    await using matcher = await Matcher.load(nodePlatform, "picture-book");
    await using captioner = await Captioner.load(nodePlatform, "picture-book");
    await using embedder = await Embedder.load(nodePlatform, "picture-book");
    await using retriever = await Retriever.load(nodePlatform, "picture-book");
    expect(rows).toEqual([
      ...(await arrayOf(matcher.match([image], texts))),
      ...(await arrayOf(captioner.caption([image]))),
      ...(await arrayOf(embedder.embedImages([image]))),
      ...(await arrayOf(embedder.embedTexts(texts))),
      ...(await arrayOf(retriever.byText([image], texts))),
      ...(await arrayOf(retriever.byImage([image], texts))),
    ]);
    expect(rows.filter((row) => "error" in row)).toEqual([]);
  });

  test("makes each session once, when it is first needed", async () => {
    const { platform: fresh, loads: made } = watchedRuns();
    await using own = await Blip.load(fresh, pretrained);
    expect([...made]).toEqual([]);
    await arrayOf(own.caption([scene(1)], { maxNewTokens: 2 }));
    expect(made.has("match")).toBe(false);
    await arrayOf(own.match([scene(1)], texts));
    await arrayOf(own.retrieve([scene(1)], texts));
    await arrayOf(own.embed([scene(1)], texts));
    for (const [name, count] of made) expect([name, count]).toEqual([name, 1]);
    expect([...loads.keys()]).toContain("image");
  });

  test("keeps the last four images, by their content, and lets go of the one that was used longest ago", async () => {
    const matched = (n: number) => arrayOf(blip.match([scene(n)], ["a sheep"]));
    for (const n of [3, 4, 5, 6]) await matched(n);
    expect(runs.get("image")).toBe(4);
    for (const n of [3, 4, 5, 6]) await matched(n);
    expect(runs.get("image")).toBe(4);
    // 3 is used again, so 4 is now the oldest.
    await matched(3);
    await matched(7);
    expect(runs.get("image")).toBe(5);
    await matched(3);
    expect(runs.get("image")).toBe(5);
    await matched(4);
    expect(runs.get("image")).toBe(6);
  });

  test("encodes an image once for calls that are made at once, and for equal images of one call", async () => {
    const [rows, captions] = await Promise.all([
      arrayOf(blip.match([scene(8), scene(8)], texts)),
      arrayOf(blip.caption([scene(8)])),
    ]);
    expect(runs.get("image")).toBe(1);
    expect(rows.slice(0, 2)).toEqual(rows.slice(2));
    expect(captions).toHaveLength(1);
  });

  test("goes on for others if one of the calls that wait for an image is aborted", async () => {
    const stop = new AbortController();
    const stopped = arrayOf(blip.match([scene(9)], texts, { signal: stop.signal }));
    const others = arrayOf(blip.caption([scene(9)]));
    setTimeout(() => stop.abort(new Error("enough")), 5);
    await expect(stopped).rejects.toThrow("enough");
    expect(await others).toMatchObject([{ image: scene(9) }]);
  });

  test("refuses at the call what the model cannot do, and says what it can", async () => {
    const { platform: fresh, runs: made } = watchedRuns();
    await using own = await Blip.load(fresh, pretrained);
    const lacking = await failureOf(() => Promise.resolve(own.ask([scene(1)], ["what is it?"])));
    expect(lacking.code).toBe("model/wrong-task");
    expect(lacking.message).toContain('cannot do "ask"');
    expect(lacking.message).toContain("It can do: match, caption, embed, retrieve");
    expect(() => own.compare([scene(1), scene(2)], ["they are alike"])).toThrow(/cannot do "compare"/);
    expect(made.get("image")).toBeUndefined();
  });
});

describe("other tasks", () => {
  test("questions share an image's states", async () => {
    const { platform, runs } = watchedRuns();
    const model = fixture("tiny/vqa-original");
    await using blip = await Blip.load(platform, model);
    await using answerer = await Answerer.load(nodePlatform, model);
    await using image = await blip.image(scene(1));
    const questions = ["what is it?", "how many are there?"];
    for (const question of questions)
      expect(await image.ask(question)).toEqual(await arrayOf(answerer.ask([scene(1)], [question])));
    expect(await arrayOf(blip.ask([scene(1)], questions))).toHaveLength(2);
    expect(runs.get("image")).toBe(1);
  });

  test("a statement looks at two images, held or not", async () => {
    const { platform, runs } = watchedRuns();
    const model = fixture("tiny/nlvr-original");
    await using blip = await Blip.load(platform, model);
    await using comparer = await Comparer.load(nodePlatform, model);
    await using left = await blip.image(scene(1));
    const rows = await arrayOf(blip.compare([left, scene(2)], ["they are alike"]));
    const [expected] = await arrayOf(comparer.compare([scene(1), scene(2)], ["they are alike"]));
    if (!expected || "error" in expected) return expect.fail("there is no row");
    expect(rows).toMatchObject([{ images: [left, scene(2)], label: expected.label }]);
    // The left image was encoded alone: batches of other sizes sum float32 in another order.
    const [row] = rows;
    expect(row && "probability" in row ? row.probability : NaN).toBeCloseTo(expected.probability, 6);
    expect(runs.get("image")).toBe(2);
  });

  test("a file without [ENC] captions; what needs the token fails at the call, which says so", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blip-no-enc-"));
    try {
      await cp(pretrained, folder, { recursive: true });
      const path = join(folder, "config.json");
      const json = JSON.parse(await readFile(path, "utf8")) as { text_config: Record<string, unknown> };
      // [DEC] is the last row of the word table, so there is none for [ENC].
      json.text_config.bos_token_id = 126;
      await writeFile(path, JSON.stringify(json));
      await using blip = await Blip.load(nodePlatform, folder);
      expect(blip.tasks).toContain("match");
      expect(await arrayOf(blip.caption([scene(1)], { maxNewTokens: 2 }))).toHaveLength(1);
      const lacking = { code: "model/no-special-token" };
      expect(await failureOf(() => arrayOf(blip.match([scene(1)], texts)))).toMatchObject(lacking);
      expect(await failureOf(() => Matcher.load(nodePlatform, folder))).toMatchObject(lacking);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("only those that it was opened for, of which the model must be able", async () => {
    await using blip = await Blip.load(nodePlatform, pretrained, { tasks: ["caption"] });
    expect(blip.tasks).toEqual(["caption"]);
    expect(() => blip.match([scene(1)], texts)).toThrow(/was opened for, got caption/);
    for (const [tasks, code] of [
      [["ask"], "model/wrong-task"],
      [["pretrain"], "usage/bad-option"],
      [[], "usage/bad-option"],
    ] as const)
      expect(await failureOf(() => Blip.load(nodePlatform, pretrained, { tasks }))).toMatchObject({ code });
  });
});

describe("an image that is held", () => {
  const { platform, runs } = watchedRuns();
  let blip: Blip<string>;
  beforeAll(async () => {
    blip = await Blip.load(platform, pretrained);
  });
  beforeEach(() => runs.clear());
  afterAll(() => blip.close());

  test("is encoded once for all that is asked of it, however many images come between", async () => {
    await using image = await blip.image(scene(1));
    for (const n of [2, 3, 4, 5, 6, 7]) await arrayOf(blip.match([scene(n)], ["a sheep"]));
    runs.clear();
    const found = [await image.match(texts), await image.caption({ prompt: "a " }), await image.embed()];
    const streamed = await arrayOf(blip.match([image], texts));
    expect(runs.get("image")).toBeUndefined();
    await using matcher = await Matcher.load(nodePlatform, pretrained);
    await using captioner = await Captioner.load(nodePlatform, pretrained);
    await using embedder = await Embedder.load(nodePlatform, pretrained);
    const [embedding] = await arrayOf(embedder.embedImages([scene(1)]));
    const rows = await arrayOf(matcher.match([scene(1)], texts));
    expect(found).toEqual([
      rows,
      await arrayOf(captioner.caption([scene(1)], { prompt: "a " })),
      embedding && "embedding" in embedding ? embedding.embedding : undefined,
    ]);
    expect(streamed).toEqual(rows.map((row) => ({ ...row, image })));
  });

  test("lets go of its states when it is closed, and is refused from then on", async () => {
    const image = await blip.image(scene(8));
    const again = await blip.image(scene(8));
    expect(runs.get("image")).toBe(1);
    await image.close();
    await image.close();
    const closed = {
      code: "usage/disposed",
      message: expect.stringContaining("got one that was closed") as string,
    };
    expect(await failureOf(() => image.match(texts))).toMatchObject(closed);
    expect(await failureOf(() => image.caption())).toMatchObject(closed);
    expect(() => blip.match([image], texts)).toThrow(/got one that was closed/);
    for (const n of [2, 3, 4, 5]) await arrayOf(blip.match([scene(n)], ["a sheep"]));
    runs.clear();
    // The other handle still holds the states. When it is closed too, the next images evict them.
    await again.match(texts);
    expect(runs.get("image")).toBeUndefined();
    await again.close();
    for (const n of [6, 7, 9, 10]) await arrayOf(blip.match([scene(n)], ["a sheep"]));
    runs.clear();
    await arrayOf(blip.match([scene(8)], texts));
    expect(runs.get("image")).toBe(1);
  });

  test("belongs to its model, whose other calls refuse it", async () => {
    await using other = await Blip.load(platform, pretrained);
    await using image = await other.image(scene(1));
    expect(() => blip.match([image], texts)).toThrow(/got an image of another one/);
    expect(() => blip.retrieve([{ image, frames: [image] }], texts)).toThrow(/of another one/);
  });

  test("fails as the image does, and ends by its signal", async () => {
    expect(await failureOf(() => blip.image("/nowhere.png"))).toMatchObject({ code: "image/not-found" });
    await expect(blip.image(scene(1), { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
    await using image = await blip.image(scene(1));
    expect(await failureOf(() => image.match([]))).toMatchObject({ code: "usage/no-texts" });
    expect(await failureOf(() => image.ask("what?"))).toMatchObject({ code: "model/wrong-task" });
    await expect(image.match(texts, { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
  });
});

describe("closing a model", () => {
  test("closes its images, ends what is under way, and refuses every later call", async () => {
    const blip = await Blip.load(nodePlatform, pretrained);
    const image = await blip.image(scene(1));
    const running = failureOf(() => arrayOf(blip.caption([scene(2)])));
    const opening = failureOf(() => blip.image(scene(3)));
    await blip.close();
    await blip.close();
    expect(await running).toMatchObject({ code: "usage/disposed" });
    expect(await opening).toMatchObject({ code: "usage/disposed" });
    const closed = { code: "usage/disposed" };
    expect(await failureOf(() => image.match(texts))).toMatchObject(closed);
    expect(await failureOf(() => blip.image(scene(1)))).toMatchObject(closed);
    expect(() => blip.match([scene(1)], texts)).toThrow(/was closed/);
  });
});

describe("a bound of memory", () => {
  test("has room for one held image at the least, and says when there is none for another", async () => {
    const load = (memory: number) => Blip.load(nodePlatform, pretrained, { memory });
    const least = Number((await failureOf(() => load(1))).fields.least);
    expect(await failureOf(() => load(least - 1))).toMatchObject({ code: "usage/memory-too-small" });
    await using blip = await load(least);
    const held = [await blip.image(scene(1))];
    const refused = await failureOf(async () => {
      for (let n = 2; n <= 12; n++) held.push(await blip.image(scene(n)));
    });
    expect(refused).toMatchObject({ code: "usage/too-many-images", fields: { held: held.length } });
    const [first] = held;
    const rows = await first?.match(texts);
    await using matcher = await Matcher.load(nodePlatform, pretrained);
    expect(rows).toEqual(await arrayOf(matcher.match([scene(1)], texts)));
    await first?.close();
    await using another = await blip.image(scene(2));
    expect(another.image).toBe(scene(2));
  });

  test("leaves room for so many images as its bytes hold, and the more tasks are loaded the fewer", async () => {
    const least = async (tasks?: readonly ["caption"]) =>
      Number((await failureOf(() => Blip.load(nodePlatform, pretrained, { memory: 1, tasks }))).fields.least);
    expect(await least(["caption"])).toBeLessThan(await least());
    await using matcher = await Matcher.load(nodePlatform, pretrained);
    // 3 x 64 x 64 pixel values, 17 states of 32 numbers, and the embedding twice.
    const { vision, jointEmbedding } = matcher.model.config;
    const [S, N] = [vision.imageSize, 1 + (vision.imageSize / vision.patchSize) ** 2];
    expect(heldBytes(matcher.model.config)).toBe(
      4 * (3 * S * S + N * vision.hiddenSize + 2 * jointEmbedding),
    );
  });
});
