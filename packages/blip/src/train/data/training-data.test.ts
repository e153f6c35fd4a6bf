// Batches from data sets in memory: order, resumption, rows that are left out, and memory limits.
import { InputError } from "@blip-ts/base";
import { expect, test } from "vitest";
import { augmentImages } from "../../../test/support/augment-images.ts";
import {
  captionsOf,
  decode,
  epochOf,
  numbered,
  open,
  take,
  using,
  type Setup,
} from "../../../test/support/training-sets.ts";
import { defaultImageConfig, preprocess } from "../../image/preprocess.ts";
import type { SkippedSample, TrainingPosition } from "./batch.ts";
import { filesIdentity } from "./identity.ts";
import { inProcessLoader, type ImagePlan, type SampleLoader } from "./load-sample.ts";

test("an epoch is a permutation, epochs and seeds differ, and without shuffling it is the data's order", async () => {
  const rows = numbered(40);
  const captions = rows.map(({ text }) => text);
  const { both, again } = await using({ rows }, async (data) => ({
    both: captionsOf(await take(data.batches({ untilEpoch: 2 }))),
    again: captionsOf(await epochOf(data)),
  }));
  const [first, second] = [both.slice(0, 40), both.slice(40)];
  expect(first).not.toEqual(captions);
  expect([...first].sort()).toEqual([...captions].sort());
  expect([...second].sort()).toEqual([...captions].sort());
  expect(second).not.toEqual(first);
  expect(again).toEqual(first);
  expect(await using({ rows, seed: 1 }, async (data) => captionsOf(await epochOf(data)))).not.toEqual(first);
  expect(await using({ rows, shuffle: false }, async (data) => captionsOf(await epochOf(data)))).toEqual(
    captions,
  );
});

test("the rest of an epoch is left out, or is a smaller batch", async () => {
  await using({ rows: numbered(10) }, async (data) => {
    expect(data.batchesPerEpoch).toBe(2);
    expect((await epochOf(data)).map(({ size }) => size)).toEqual([4, 4]);
  });
  await using({ rows: numbered(10), dropLast: false, shuffle: false, augment: false }, async (data) => {
    expect(data.batchesPerEpoch).toBe(3);
    const batches = await epochOf(data);
    expect(batches.map(({ size, pixels }) => [size, pixels.length])).toEqual([
      [4, 4 * 3 * 256],
      [4, 4 * 3 * 256],
      [2, 2 * 3 * 256],
    ]);
    const config = defaultImageConfig(16);
    const last = augmentImages[9];
    if (last === undefined) throw new Error("no image");
    expect(batches[2]?.pixels.subarray(3 * 256)).toEqual(await preprocess(last, config, "10"));
  });
});

const shardsOf = (count: number, each: number) =>
  Array.from({ length: count }, (_, shard) => numbered(each, shard * each));

const forms: readonly (readonly [string, Setup])[] = [
  ["a list", { rows: [...numbered(20), { name: "bad.png", text: "a bad one" }, ...numbered(11, 20)] }],
  [
    "shards",
    {
      shards: [...shardsOf(3, 7), [{ name: "bad.png", text: "a bad one" }, ...numbered(10, 30)]],
      shuffleSamples: 9,
    },
  ],
];

test.each(forms)("%s: any batch that is resumed from goes on with the same numbers", async (_, setup) => {
  const whole = await using(setup, (data) => take(data.batches({ untilEpoch: 3 })));
  expect(whole.length).toBeGreaterThan(20);
  for (let at = 0; at < whole.length - 1; at += 3) {
    const position = JSON.parse(JSON.stringify(whole[at]?.position)) as TrainingPosition;
    const [next] = await using(setup, (data) => take(data.batches({ from: position }), 1));
    expect(next, `from batch ${at}`).toEqual(whole[at + 1]);
  }
});

test.each(forms)("%s: an epoch has every good sample once, and the bad one is told", async (_, setup) => {
  const skipped: SkippedSample[] = [];
  const options = { ...setup, batchSize: 1, onSkip: (one: SkippedSample) => skipped.push(one) };
  const captions = await using(options, async (data) => {
    const found = captionsOf(await epochOf(data));
    expect(data.stats()).toMatchObject({ samples: 31, skipped: 1 });
    return found;
  });
  expect([...captions].sort()).toEqual(
    numbered(setup.rows === undefined ? 0 : 31)
      .concat(setup.shards === undefined ? [] : [...numbered(21), ...numbered(10, 30)])
      .map(({ text }) => text)
      .sort(),
  );
  expect(skipped.map(({ line }) => line)).toEqual([
    expect.stringMatching(/^\S+, index \d+: bad\.png: expected a file, got none\.$/) as string,
  ]);
});

test("shards are shuffled, then samples within the buffer", async () => {
  const setup: Setup = { shards: shardsOf(8, 8), shuffleSamples: 4, batchSize: 8 };
  const captions = await using(setup, async (data) => {
    expect([data.samples, data.batchesPerEpoch]).toEqual([undefined, undefined]);
    return captionsOf(await epochOf(data));
  });
  const shardOf = (text: string | undefined) => Math.floor(Number(text?.split(" ")[1]) / 8);
  // The buffer limits how much earlier than in reading order a sample can come, so the first batch covers at most two
  // shards.
  expect(new Set(captions.slice(0, 8).map(shardOf)).size).toBeLessThanOrEqual(2);
  expect(new Set(captions).size).toBe(64);
  const firsts = new Set<number>();
  await using(setup, async (data) => {
    for await (const { batch, captions: some } of data.batches({ untilEpoch: 6 }))
      if (batch === 0) firsts.add(shardOf(some[0]));
  });
  expect(firsts.size).toBeGreaterThan(1);
});

test("the buffer of a stream is bounded in bytes, too", async () => {
  const order = (shuffleBytes: number) =>
    using({ shards: [numbered(12)], shuffleBytes, batchSize: 12 }, async (data) =>
      captionsOf(await epochOf(data)),
    );
  const inOrder = numbered(12).map(({ text }) => text);
  // An image has 8 bytes: the buffer has room for less than one, for one, and for all.
  expect(await order(7)).toEqual(inOrder);
  expect(await order(8)).not.toEqual(await order(1000));
});

test("wrong rows, bad texts and a damaged shard are left out, counted, and the others go on", async () => {
  const wrong = new InputError("dataset/bad-field", 'rows, index 1: field "image": expected a path, got 3.');
  const damaged = new InputError("dataset/damaged", "1.tar: expected a tar archive, got its half.");
  const setup: Setup = {
    shards: [
      [...numbered(3), wrong, { name: "3.png", text: " ... !" }],
      [...numbered(2, 3), { name: "4.png", text: "\u200b \u0301\u00ad" }, damaged],
      numbered(3, 5),
    ],
    batchSize: 8,
  };
  const lines: string[] = [];
  await using({ ...setup, onSkip: ({ line }) => lines.push(line) }, async (data) => {
    const [batch] = await epochOf(data);
    expect([...(batch?.captions ?? [])].sort()).toEqual(numbered(8).map(({ text }) => text));
    expect(data.stats().skipped).toBe(4);
  });
  expect(lines).toContain(wrong.message);
  expect(lines).toContain(damaged.message);
  expect(lines.join("\n")).toContain("a text that keeps a word after BLIP's clean-up");
});

test("data of which nothing can be used are refused, with the reasons", async () => {
  const bad = (count: number) => Array.from({ length: count }, () => ({ name: "bad.png", text: "a cat" }));
  await expect(using({ rows: bad(8) }, (data) => epochOf(data))).rejects.toMatchObject({
    code: "train-data/all-bad",
    message: expect.stringContaining("bad.png: expected a file, got none.") as string,
  });
  await expect(
    using({ rows: [...numbered(4), ...bad(20)], maxBadInRow: 9 }, (data) => take(data.batches(), 10)),
  ).rejects.toMatchObject({ code: "train-data/all-bad", fields: { skipped: 9 } });
  await expect(using({ rows: [] }, (data) => epochOf(data))).rejects.toMatchObject({
    code: "train-data/no-samples",
  });
  await expect(using({ shards: [[]] }, (data) => epochOf(data))).rejects.toMatchObject({
    code: "train-data/no-samples",
  });
  await expect(using({ rows: numbered(3) }, (data) => epochOf(data))).rejects.toMatchObject({
    code: "train-data/too-few",
    fields: { samples: 3, batchSize: 4 },
  });
  await expect(
    using({ rows: [...numbered(3), ...bad(5)] }, (data) => take(data.batches(), 2)),
  ).rejects.toMatchObject({ code: "train-data/too-few", fields: { samples: 3 } });
  await expect(
    using({ rows: numbered(400), listBytes: 4000 }, (data) => epochOf(data)),
  ).rejects.toMatchObject({ code: "train-data/too-large" });
});

test("bad samples between good ones do not end the run, however many they are", async () => {
  const rows = numbered(20).flatMap((row) => [row, { name: "bad.png", text: "a bad one" }]);
  await using({ rows, maxBadInRow: 2, shuffle: false }, async (data) => {
    expect(await epochOf(data)).toHaveLength(5);
    expect(data.stats().skipped).toBeGreaterThanOrEqual(19);
  });
});

test("texts of one image share their number, others do not", async () => {
  const named = [...numbered(3), ...numbered(2), { name: "7.png", text: "seven" }];
  // An id may equal the number of its row.
  const withIds = numbered(6).map((row, n) => ({ ...row, imageId: Math.floor(n / 2) }));
  for (const [rows, firsts] of [
    [named, [0, 1, 2, 0, 1, 5]],
    [withIds, [0, 0, 2, 2, 4, 4]],
  ] as const)
    for (const setup of [{ rows }, { shards: [rows] }])
      await using({ ...setup, batchSize: 6, shuffle: false }, async (data) => {
        const [batch] = await epochOf(data);
        const ids = batch?.imageIds ?? [];
        expect(ids.map((id) => ids.indexOf(id))).toEqual(firsts);
        expect(ids.every(Number.isSafeInteger)).toBe(true);
      });
});

test("no more samples are loaded than the batches ahead may hold", async () => {
  let loading = 0;
  const counting = (plan: ImagePlan): SampleLoader => {
    const inner = inProcessLoader(plan, decode);
    return {
      ...inner,
      parallel: 3,
      async load(request, signal) {
        loading++;
        return inner.load(request, signal);
      },
    };
  };
  await using({ rows: numbered(64), ahead: 2, loader: counting }, async (data) => {
    let used = 0;
    for await (const batch of data.batches({ untilEpoch: 1 })) {
      used += batch.size;
      // Loaded but not used yet: two batches of 4, and 3 samples in progress.
      expect(loading - used).toBeLessThanOrEqual(11);
    }
    expect(loading).toBe(64);
  });
});

test("a position of another run is refused by the field that differs", async () => {
  const rows = numbered(12);
  const [batch] = await using({ rows }, (data) => take(data.batches(), 1));
  if (batch === undefined) throw new Error("no batch");
  const { position } = batch;
  for (const [setup, field] of [
    [{ rows, seed: 5 }, "seed"],
    [{ rows, batchSize: 3 }, "batchSize"],
    [{ rows: numbered(13) }, "samples"],
  ] as const)
    await expect(using(setup, (data) => take(data.batches({ from: position }), 1))).rejects.toMatchObject({
      code: "train-data/bad-position",
      fields: { field },
    });
  for (const wrong of [{ epoch: -1 }, { sample: 13 }, { batch: 0.5 }, { epoch: "0" as unknown as number }])
    await expect(
      using({ rows }, (data) => take(data.batches({ from: { ...position, ...wrong } }), 1)),
    ).rejects.toMatchObject({ code: "train-data/bad-position", fields: { field: Object.keys(wrong)[0] } });
});

test("data are identified by their content: rows of lists, names and sizes of shards", async () => {
  const identityOf = (setup: Setup) => using(setup, (data) => Promise.resolve(data.identity));
  const rows = numbered(8);
  const own = await identityOf({ rows });
  expect(own).toEqual({ form: "json, karpathy", sha256: expect.stringMatching(/^[\da-f]{64}$/) as string });
  // What a run does with the rows is in its settings.
  expect(await identityOf({ rows, seed: 7, batchSize: 2, maxWords: 1 })).toEqual(own);
  expect(await identityOf({ rows: [...rows].reverse() })).not.toEqual(own);
  expect(await identityOf({ rows: numbered(9) })).not.toEqual(own);
  expect((await identityOf({ shards: [rows] })).form).toBe("webdataset, karpathy");
  const files = (...parts: { name: string; size: number }[]) =>
    filesIdentity({ container: "webdataset", format: "table" }, parts).sha256;
  const shard = files({ name: "/data/a/0.tar", size: 9 });
  expect(files({ name: "b/0.tar", size: 9 })).toBe(shard);
  expect(files({ name: "b/1.tar", size: 9 })).not.toBe(shard);
  expect(files({ name: "b/0.tar", size: 8 })).not.toBe(shard);
});

test("a second iteration, and closed data, are refused; an ended iteration lets the next one begin", async () => {
  const data = await open({ rows: numbered(12) });
  const first = data.batches();
  await first.next();
  await expect(data.batches().next()).rejects.toMatchObject({ code: "train-data/busy" });
  await first.return?.();
  await data.batches().next();
  await data.close();
  await data.close();
  await expect(data.batches().next()).rejects.toMatchObject({ code: "train-data/closed" });
});

test("a signal ends a wait at once, and closing does", async () => {
  const stuck = (): SampleLoader => ({
    ...inProcessLoader({} as ImagePlan, decode),
    load: () => new Promise(() => undefined),
  });
  const controller = new AbortController();
  const data = await open({ rows: numbered(12), loader: stuck });
  const waiting = data.batches({ signal: controller.signal }).next();
  controller.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  const next = data.batches().next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  await data.close();
  await expect(next).rejects.toMatchObject({ code: "train-data/closed" });
});

test("the share of time that the trainer waited is measured", async () => {
  const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const slow = (plan: ImagePlan): SampleLoader => {
    const inner = inProcessLoader(plan, decode);
    return { ...inner, load: (request, signal) => wait(30).then(() => inner.load(request, signal)) };
  };
  const share = (loader: ((plan: ImagePlan) => SampleLoader) | undefined, work: number) =>
    using({ rows: numbered(12), ...(loader && { loader }), batchSize: 1, ahead: 1 }, async (data) => {
      for await (const batch of data.batches({ untilEpoch: 1 })) {
        expect(batch.size).toBe(1);
        await wait(work);
      }
      return data.stats().waitShare;
    });
  // A busy machine affects both, so compare them with each other.
  expect(await share(slow, 0)).toBeGreaterThan(await share(undefined, 200));
});

test.each([
  [{ batchSize: 0 }, "batchSize"],
  [{ seed: -1 }, "seed"],
  [{ augment: { scale: [0.5, 2] } }, "augment.scale"],
  [{ augment: { list: ["Blur"] } }, "augment.list"],
  [{ augment: { level: 11 } }, "augment.level"],
  [{ std: [0, 1, 1] }, "std"],
  [{ ahead: 0 }, "ahead"],
] as const)("the option %j is refused by name", async (options, name) => {
  await expect(open({ rows: numbered(4), ...(options as Setup) })).rejects.toMatchObject({
    code: "train-data/bad-option",
    fields: { name },
  });
});
