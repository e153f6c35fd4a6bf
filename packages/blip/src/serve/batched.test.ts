// Requests of many callers with real models: the rows equal those of the verbs, with fewer calls of the engine.
import { closedBy } from "@blip-ts/base";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Engine, EngineSession, Feeds } from "@blip-ts/engine";
import { Answerer } from "../verbs/ask.ts";
import { Batched } from "./batched.ts";
import { Captioner } from "../verbs/caption.ts";
import { fullGroups, sameImage } from "../verbs/distinct-images.ts";
import { Embedder } from "../verbs/embed.ts";
import { Matcher, type MatchRow } from "../verbs/match.ts";
import type { FailedRow } from "../verbs/image-batches.ts";

const scene = (number: string) => fixture(`../examples/scenes/${number}.png`);
const broken = fixture("images/text.jpg");

/** An engine whose session calls pass through `watch`. */
function watchedEngine(
  engine: Engine,
  watch: <T>(feeds: Feeds, call: () => Promise<T>) => Promise<T>,
): Engine {
  const watched = (session: EngineSession): EngineSession => ({
    run: (feeds, more) => watch(feeds, () => session.run(feeds, more)),
    runRetaining: (feeds, keep, more) => watch(feeds, () => session.runRetaining(feeds, keep, more)),
    release: (tensors) => session.release(tensors),
    ...closedBy(() => session.close()),
  });
  return {
    createSession: async (model, more) => watched(await engine.createSession(model, more)),
    ...closedBy(() => engine.close()),
  };
}

/** Calls of the engine, with the numbers of their input rows. */
const calls: Record<string, readonly number[]>[] = [];
const counting: typeof nodePlatform = {
  ...nodePlatform,
  createEngine: (options) =>
    watchedEngine(nodePlatform.createEngine(options), (feeds, call) => {
      calls.push(Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims])));
      return call();
    }),
};

/** Another batch sums float32 in a different order. */
const digits = 5;
/** Sums of about twenty logarithms. */
const sumDigits = 4;

describe("the embedded model", () => {
  let matcher: Matcher<Parameters<typeof nodePlatform.decodeImage>[0]>;
  beforeAll(async () => {
    matcher = await Matcher.load(counting, "picture-book");
  });
  afterAll(() => matcher[Symbol.asyncDispose]());

  test("answers eight callers with the rows of each alone, in 5 calls of the engine instead of 24", async () => {
    const requests = ["01", "02", "03", "04", "05", "06", "07", "08"].map((number) => ({
      image: scene(number),
      texts: [`a ${number === "01" ? "small sheep on a purple background" : "tulip"}`],
    }));
    calls.length = 0;
    const alone: (MatchRow<string> | FailedRow<string>)[][] = [];
    for (const { image, texts } of requests) alone.push(await arrayOf(matcher.match([image], texts)));
    expect(calls).toHaveLength(24);
    calls.length = 0;
    // Eight requests fill a batch, which starts when all of their images are ready.
    const batched = new Batched({ matcher }, { window: 10_000 });
    const together = await Promise.all(
      requests.map(({ image, texts }, index) => batched.match(image, texts, { caller: String(index) })),
    );
    // The images once; texts of two lengths, without and with cross-attention.
    expect(calls).toHaveLength(5);
    together.forEach((rows, index) => {
      const [expected] = alone[index] ?? [];
      const [row] = rows;
      if (!expected || "error" in expected || !row) return expect.fail("a row is missing");
      expect([row.image, row.text]).toEqual([expected.image, expected.text]);
      expect(row.logits[0]).toBeCloseTo(expected.logits[0], digits);
      expect(row.logits[1]).toBeCloseTo(expected.logits[1], digits);
      expect(row.cosine).toBeCloseTo(expected.cosine, digits);
    });
  });

  test("encodes equal images once, by path or by content, and keeps each caller's own texts", async () => {
    // Four requests fill a batch.
    const batched = new Batched({ matcher }, { window: 10_000, maxBatch: 4 });
    const bytes = await readFile(scene("01"));
    const copy = Uint8Array.from(bytes);
    const [same] = await arrayOf(matcher.match([scene("01")], ["a sheep"]));
    calls.length = 0;
    const rows = await Promise.all([
      batched.match(bytes, ["a sheep", "a cow"]),
      batched.match(copy, ["a sheep"]),
      batched.match(scene("02"), ["a taxi", "a sheep", "a cow"]),
      batched.match(bytes, ["a tulip"]),
    ]);
    expect(calls.flatMap(({ pixel_values: dims }) => (dims ? [dims[0]] : []))).toEqual([2]);
    expect(rows.map((some) => some.map(({ text }) => text))).toEqual([
      ["a sheep", "a cow"],
      ["a sheep"],
      ["a taxi", "a sheep", "a cow"],
      ["a tulip"],
    ]);
    // Rows do not contain bytes, because they may be forwarded; paths are contained.
    for (const row of [...rows[0], ...rows[1]]) expect("image" in row).toBe(false);
    expect(rows[2][0]?.image).toBe(scene("02"));
    if (!same || "error" in same) return expect.fail("a row is missing");
    for (const row of [rows[0][0], rows[1][0]])
      expect(row?.probability).toBeCloseTo(same.probability, digits);
  });

  test("fails the request alone whose image or text is bad", async () => {
    const batched = new Batched({ matcher });
    const settled = await Promise.allSettled([
      batched.match(scene("01"), ["a sheep"]),
      batched.match(broken, ["a sheep"]),
      batched.match(scene("02"), [" "]),
      batched.match(scene("02"), []),
      batched.match(scene("02"), ["a sheep"]),
    ]);
    expect(
      settled.map((one) =>
        one.status === "fulfilled" ? one.value.length : (one.reason as { code: string }).code,
      ),
    ).toEqual([1, "image/not-an-image", "text/empty", "usage/no-texts", 1]);
  });

  test("embeds", async () => {
    await using embedder = await Embedder.load(nodePlatform, "picture-book");
    const batched = new Batched({ embedder });
    const found = await Promise.all([
      batched.embedImage(scene("05")),
      batched.embedImage(scene("06")),
      batched.embedText("a sun"),
      batched.embedText("a small sheep on a purple background"),
    ]);
    const alone = [
      ...(await arrayOf(embedder.embedImages([scene("05"), scene("06")]))),
      ...(await arrayOf(embedder.embedTexts(["a sun", "a small sheep on a purple background"]))),
    ];
    alone.forEach((row, index) => {
      if (row.error) return expect.fail(row.error.message);
      row.embedding.forEach((value, place) => expect(found[index]?.[place]).toBeCloseTo(value, digits));
    });
  });

  test("takes a request back", async () => {
    const batched = new Batched({ matcher });
    const controller = new AbortController();
    const taken = batched.match(scene("01"), ["a sheep"], { signal: controller.signal });
    const kept = batched.match(scene("02"), ["a sheep"]);
    expect(batched.waiting).toBe(2);
    controller.abort(new Error("gone"));
    await expect(taken).rejects.toThrow("gone");
    expect(await kept).toHaveLength(1);
    await batched.close();
    await expect(batched.match(scene("01"), ["a sheep"])).rejects.toMatchObject({ code: "batch/closed" });
    await expect(batched.caption(scene("01"))).rejects.toMatchObject({ code: "batch/no-model" });
  });
});

test("captions of one batch are those of each image alone, with a prompt of its own", async () => {
  await using captioner = await Captioner.load(nodePlatform, fixture("tiny/caption"));
  const asked = [
    { image: scene("01") },
    { image: scene("02"), prompt: "a woman and her" },
    { image: scene("01"), prompt: "two red" },
    { image: scene("03") },
  ];
  const groups: (readonly [string, number])[] = [];
  await using batched = new Batched(
    { captioner },
    { window: 500, isolate: false, onBatch: ({ group, requests }) => groups.push([group, requests]) },
  );
  const sampled = { sample: true, seed: 3, numReturn: 2 };
  const together = await Promise.all([
    ...asked.map(({ image, prompt }) => batched.caption(image, { prompt })),
    batched.caption(scene("04"), sampled),
    batched.caption(broken).catch((error: unknown) => [error]),
  ]);
  // A request with an unreadable image is in no batch.
  expect(Object.fromEntries(groups)).toEqual({ "caption {}": 4, [`caption ${JSON.stringify(sampled)}`]: 1 });
  expect(groups).toHaveLength(2);
  const alone = [];
  for (const { image, prompt } of asked) alone.push(await arrayOf(captioner.caption([image], { prompt })));
  alone.push(await arrayOf(captioner.caption([scene("04")], sampled)));
  alone.forEach((rows, index) =>
    expect(together[index]).toEqual(
      rows.map((row) => ({
        ...row,
        ...("logProbability" in row && {
          logProbability: expect.closeTo(row.logProbability, sumDigits) as number,
        }),
      })),
    ),
  );
  expect(together.at(-1)).toMatchObject([{ code: "image/not-an-image" }]);
  await expect(batched.caption(scene("01"), { beams: 9 })).rejects.toMatchObject({
    code: expect.stringMatching(/^generate\//) as string,
  });
});

test("answers of one batch are those of each question alone, free or of a list", async () => {
  await using answerer = await Answerer.load(nodePlatform, fixture("tiny/vqa-original"));
  await using batched = new Batched({ answerer });
  const asked = [
    [scene("01"), "is there a dog in the picture?"],
    [scene("02"), "two red cars"],
    [scene("01"), "a cat sitting under a tree with snow?"],
  ] as const;
  for (const options of [{}, { answers: ["a dog", "two red cars", "snow"] }]) {
    const together = await Promise.all(
      asked.map(([image, question]) => batched.ask(image, question, options)),
    );
    for (const [index, [image, question]] of asked.entries()) {
      const [expected] = await arrayOf(answerer.ask([image], [question], options));
      const [row] = together[index] ?? [];
      if (!expected || "error" in expected) return expect.fail("a row is missing");
      expect(row).toEqual({ ...expected, score: expect.closeTo(expected.score, sumDigits) as number });
    }
  }
  await expect(batched.ask(scene("01"), " ")).rejects.toMatchObject({ code: "text/empty" });
});

test("reads images ahead, each once, in nobody's way, and leaves off what nobody waits for any more", async () => {
  const events: string[] = [];
  const watching: typeof nodePlatform = {
    ...nodePlatform,
    decodeImage: (input, options) => {
      const name = typeof input === "string" ? input.slice(-6, -4) : "";
      events.push(`read ${name}`);
      if (name !== "06") return nodePlatform.decodeImage(input, options);
      // An image that never arrives.
      return new Promise((_come, reject) =>
        options.signal?.addEventListener("abort", () => {
          events.push("left off 06");
          reject(new Error("left off"));
        }),
      );
    },
  };
  await using captioner = await Captioner.load(watching, fixture("tiny/caption"));
  await using batched = new Batched({ captioner }, { window: 0, maxBatch: 2 });
  const taken = new AbortController();
  const ask = async (number: string, signal?: AbortSignal) => {
    await batched.caption(scene(number), { signal });
    events.push(`said ${number}`);
  };
  const kept = ["01", "02", "03", "04"].map((number) => ask(number));
  const given = [ask("05", taken.signal), ask("06", taken.signal)].map((one) => one.catch(() => undefined));
  await Promise.all(kept.slice(0, 2));
  // The images of the first batch and of the next one; more when the first is answered.
  expect(events.slice(0, 4)).toEqual(["01", "02", "03", "04"].map((number) => `read ${number}`));
  await vi.waitFor(() => expect(events).toContain("read 06"));
  taken.abort();
  await Promise.all([...kept, ...given]);
  await vi.waitFor(() => expect(events).toContain("left off 06"));
  expect(events.filter((event) => event.startsWith("read"))).toHaveLength(6);
});

test("an image that is asked about by two models is read by each in its own way", async () => {
  await using captioner = await Captioner.load(nodePlatform, fixture("tiny/caption"));
  await using matcher = await Matcher.load(nodePlatform, "picture-book");
  const [expected] = await arrayOf(matcher.match([scene("02")], ["a taxi"]));
  await using batched = new Batched({ captioner, matcher });
  const [, matched] = await Promise.all([
    batched.caption(scene("02")),
    batched.match(scene("02"), ["a taxi"]),
  ]);
  expect(matched).toEqual([expected]);
});

test("a caller whose image never comes keeps nobody waiting, whatever is asked beside it", async () => {
  const order: string[] = [];
  const silent = "silent.png";
  const platform: typeof nodePlatform = {
    ...nodePlatform,
    decodeImage: (input, options) =>
      input === silent ? new Promise(() => undefined) : nodePlatform.decodeImage(input, options),
  };
  await using matcher = await Matcher.load(platform, "picture-book");
  const batched = new Batched({ matcher }, { window: 1, maxBatch: 3 });
  // More than there are places for images.
  const stuck = Array.from({ length: 20 }, (_, index) =>
    batched.match(silent, [`text ${index}`], { caller: "stuck" }).catch(() => order.push("rejected")),
  );
  for (const number of ["01", "02", "03", "04"]) {
    await batched.match(scene(number), ["a sheep"], { caller: "healthy" });
    order.push(number);
  }
  expect(order).toEqual(["01", "02", "03", "04"]);
  expect(batched.waiting).toBe(stuck.length);
  await batched.close({ waiting: "reject" });
  await Promise.all(stuck);
  expect(order).toHaveLength(24);
});

test("a server's limit of pixels is lower, unless the model was loaded with another, or images are its own", async () => {
  const given: (number | undefined)[] = [];
  const watching: typeof nodePlatform = {
    ...nodePlatform,
    prepareDecoders: () => undefined,
    decodeImage: (input, options) => {
      given.push(options.maxPixels);
      return nodePlatform.decodeImage(input, { ...options, isolate: false });
    },
  };
  for (const [maxPixels, more] of [
    [undefined, {}],
    [1e8, {}],
    [undefined, { isolate: false }],
    [1e8, { maxPixels: 5e7 }],
  ] as const) {
    await using matcher = await Matcher.load(watching, "picture-book", { maxPixels });
    await using batched = new Batched({ matcher }, more);
    await batched.match(scene("01"), ["a sheep"]);
  }
  expect(given).toEqual([2 ** 26, 1e8, undefined, 5e7]);
  const matcher = { readImage: () => undefined } as unknown as Matcher<string>;
  expect(() => new Batched({ matcher }, { decodeTimeout: 0 })).toThrow(/decodeTimeout/);
});

test("a bound of memory holds for batches: no call of the engine has more than it would alone", async () => {
  const { fields } = await failureOf(() =>
    Captioner.load(nodePlatform, fixture("tiny/caption"), { memory: 1 }),
  );
  await using captioner = await Captioner.load(counting, fixture("tiny/caption"), {
    memory: Number(fields.least),
  });
  await using batched = new Batched({ captioner });
  calls.length = 0;
  const rows = await Promise.all(
    ["01", "01", "02", "03"].map((number) => batched.caption(scene(number), { beams: 1 })),
  );
  expect(rows.flat()).toHaveLength(4);
  expect(calls.length).toBeGreaterThan(4);
  for (const call of calls) for (const dims of Object.values(call)) expect(dims[0] ?? 1).toBe(1);
});

test("images with equally many rows go together, an image's rows side by side", () => {
  expect(fullGroups([0, 1, 0, 2, 1, 3], 8)).toEqual([
    { images: [0, 1], rows: [0, 2, 1, 4] },
    { images: [2, 3], rows: [3, 5] },
  ]);
  expect(fullGroups([0, 0, 0], 2)).toEqual([
    { images: [0], rows: [0, 1] },
    { images: [0], rows: [2] },
  ]);
});

test("images are equal by path, address or content, never by looks", () => {
  expect(sameImage("a.png", "a.png")).toBe(true);
  expect(sameImage(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(sameImage(Uint8Array.of(1, 2).buffer, Uint8Array.of(1, 2).buffer)).toBe(true);
  expect(sameImage(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(sameImage(new Blob(["a"]), new Blob(["a"]))).toBe(false);
});
