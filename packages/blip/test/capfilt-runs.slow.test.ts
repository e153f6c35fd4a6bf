// CapFilt, what of it takes longer: draws, runs that go on otherwise, encoders that are nearly alike, columns.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { plainValue, readWebRows } from "@blip-ts/datasets/node";
import { capfilt } from "blip-ts/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCapFilt } from "../src/capfilt/index.ts";
import { sampleSeed } from "../src/capfilt/sample-seed.ts";
import { nodeCapFiltHost } from "../src/platform/node/capfilt/host.ts";
import { collected, keptOf, middle, scored, webRowsOf } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";
import { tinyParts, type PartTask } from "./support/suites.ts";
import { watchedRuns } from "./support/watched-runs.ts";

const both = fixture("tiny/pretrain-original");
const quiet = { onWarning: () => undefined };

let root: string;
let data: string;
let parts: Record<PartTask, string>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-runs-"));
  data = await collected(join(root, "data"), 10);
  parts = await tinyParts(root);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = () => join(root, `out-${count++}`);
const parsed = async <T>(path: string) => JSON.parse(await readFile(path, "utf8")) as T;

describe("draws", () => {
  test("do not change with order, batches or what stands beside them; they do with the seed", async () => {
    const lines = (await readFile(data, "utf8")).trim().split("\n");
    const turned = join(root, "data/turned.jsonl");
    await writeFile(turned, [...lines].reverse().slice(0, 7).join("\n"));
    const captions = async (list: string, seed: number, imageBatchSize: number) => {
      const out = fresh();
      await capfilt(list, out, { captioner: both, threshold: 0, seed, imageBatchSize, html: 0, ...quiet });
      const kept = await keptOf(out);
      return Object.fromEntries(
        kept.map(({ image, capfilt_synthetic: text }): [string, string] => [String(image), String(text)]),
      );
    };
    const all = await captions(data, 1, 4);
    expect(all).toMatchObject(await captions(turned, 1, 3));
    expect(new Set(Object.values(all)).size).toBeGreaterThan(5);
    expect(Object.values(await captions(data, 2, 4))).not.toEqual(Object.values(all));
  });

  test("an image's seed is a number that JSON keeps, of both", () => {
    const seeds = [1, 2].flatMap((seed) =>
      ["path a", "path b"].map((key) => sampleSeed(nodeCapFiltHost, seed, key)),
    );
    expect(new Set(seeds).size).toBe(4);
    for (const seed of seeds) expect(Number.isSafeInteger(seed)).toBe(true);
  });
});

describe("a run that goes on", () => {
  const options = { captioner: both, imageBatchSize: 2, threshold: 0.5, ...quiet };

  test("another threshold and form ask no model again", async () => {
    const out = fresh();
    await capfilt(data, out, { ...options, threshold: 0 });
    const { platform, runs } = watchedRuns();
    const open = () => readWebRows(data);
    const given = { ...options, threshold: await middle(out), format: "csv", resume: true } as const;
    const report = await runCapFilt(platform, nodeCapFiltHost, open, out, given);
    expect([...runs]).toEqual([]);
    expect(report.imagesPerSecond).toBeNull();
    expect(report.pairs).toBe(12);
    expect(await readdir(join(out, "kept"))).toEqual(["metadata.csv"]);
    expect(await keptOf(out)).toHaveLength(12);
  });

  test("refuses rows of other data, models or options by their names, and what is no log", async () => {
    const out = fresh();
    await capfilt(data, out, options);
    const refused = (more: object, list = data) =>
      capfilt(list, out, { ...options, resume: true, ...more }).then(
        () => "nothing",
        (error: unknown) => (error as Error).message,
      );
    expect(await refused({ seed: 3 })).toMatch(/scores\.jsonl: .*option seed: expected 3, got 42/);
    expect(await refused({ topP: 0.5 })).toMatch(/option topP: expected 0\.5, got 0\.9/);
    expect(await refused({ imageBatchSize: 3 })).toMatch(/option imageBatchSize/);
    expect(await refused({ filter: parts.match })).toMatch(/filter \(SHA-256/);
    const other = join(root, "data/other.jsonl");
    await writeFile(other, (await readFile(data, "utf8")).replace("two red cars", "two blue cars"));
    expect(await refused({}, other)).toMatch(/data \(SHA-256 of its rows\)/);
    const log = join(out, "scores.jsonl");
    const lines = await readFile(log, "utf8");
    await writeFile(log, lines.replace(/\{"n":4,/, '{"n":5,'));
    expect(await refused({})).toMatch(/scores\.jsonl, line 6: expected a row of a run/);
    await writeFile(log, "something else\n");
    expect(await refused({})).toMatch(/line 1: .*no JSON/);
  });
  test("a second process is refused while the first one writes", async () => {
    const out = fresh();
    const runs = [0, 1].map(() => capfilt(data, out, { captioner: both, resume: true, html: 0, ...quiet }));
    const found = await Promise.allSettled(runs);
    expect(found.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [error] = found.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
    expect(error).toMatchObject({ code: "capfilt/in-use" });
  });
});

describe("encoders", () => {
  const run = async (captioner: string, filter: string) => {
    const { platform, runs } = watchedRuns();
    const open = () => readWebRows(data);
    const given = { captioner, filter, imageBatchSize: 5, html: 0, ...quiet };
    const out = fresh();
    const report = await runCapFilt(platform, nodeCapFiltHost, open, out, given);
    return { images: runs.get("image"), shared: report.sharedImageEncoder, scores: await scored(out) };
  };

  test("other epsilons, sizes or means are not the same encoder, although its weights are", async () => {
    const folder = join(root, "other-mean");
    await cp(parts.caption, folder, { recursive: true });
    const path = join(folder, "preprocessor_config.json");
    const json = await parsed<Record<string, unknown>>(path);
    await writeFile(path, JSON.stringify({ ...json, image_mean: [0.5, 0.5, 0.5] }));
    const changed = await run(folder, parts.match);
    expect(changed).toMatchObject({ images: 4, shared: false });
    // The filter sees what it saw before: its numbers of the web's texts are the same, but for the sums of other batches.
    const own = await run(parts.caption, parts.match);
    const webOf = ({ scores }: typeof own) =>
      scores.flatMap(({ web }) => web.map((one) => one.probability ?? NaN));
    webOf(own).forEach((probability, text) => {
      expect(Math.abs(must(webOf(changed), text) - probability)).toBeLessThan(1e-6);
    });
  });
});

const shards = fixture("datasets/shards");

test("columns of img2dataset keep their values and types", async () => {
  const [before] = await webRowsOf(shards);
  for (const format of ["webdataset", "parquet"] as const) {
    const out = fresh();
    await capfilt(shards, out, { captioner: both, threshold: 0, format, html: 0, ...quiet });
    const [row] = await webRowsOf(join(out, "kept"));
    const { __key__: key, ...columns } = before?.fields ?? {};
    expect(row?.fields).toMatchObject(columns);
    expect(JSON.stringify(plainValue(row?.fields))).toContain(JSON.stringify(key));
    const [own, theirs] = [row?.image, before?.image];
    if (own?.kind === "bytes" && theirs?.kind === "bytes") expect(own.bytes).toEqual(theirs.bytes);
    else expect.fail("an image is no bytes");
  }
});

test("has so many images at most, from all of the data", async () => {
  const out = fresh();
  await capfilt(data, out, { captioner: both, html: 3, ...quiet });
  const page = await readFile(join(out, "report.html"), "utf8");
  expect([...page.matchAll(/alt="images\/(\d)\.png"/g)].map(([, n]) => n)).toEqual(["0", "3", "6"]);
});
