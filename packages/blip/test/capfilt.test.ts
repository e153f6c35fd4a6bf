// CapFilt beside LAVIS's captioner and filter, whatever the forms of data are, however often it is stopped.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { capfilt, type CapFiltReport } from "blip-ts/train";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCapFilt } from "../src/capfilt/index.ts";
import { seededRandom } from "../src/decode/random.ts";
import { nodeCapFiltHost } from "../src/platform/node/capfilt/host.ts";
import { readWebRows } from "@blip-ts/datasets/node";
import { collected, keptOf, middle, scene, scored, scoresOf } from "./support/capfilt.ts";
import { fixture, goldenJson, likelierEnds } from "./support/goldens.ts";
import { tinyParts, tinySuite, type PartTask } from "./support/suites.ts";
import { watchedRuns } from "./support/watched-runs.ts";

const both = fixture("tiny/pretrain-original");
const quiet = { onWarning: () => undefined };

let root: string;
let data: string;
let parts: Record<PartTask, string>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-"));
  data = await collected(join(root, "data"), 10);
  parts = await tinyParts(root);
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = () => join(root, `out-${count++}`);
const parsed = async <T>(path: string) => JSON.parse(await readFile(path, "utf8")) as T;

describe("beside LAVIS", () => {
  interface Golden {
    readonly seed: number;
    readonly threshold: number;
    readonly texts: readonly string[];
    readonly rows: readonly {
      readonly sepBias: number;
      readonly image: string;
      readonly seed: number;
      readonly draws: readonly number[];
      readonly tokens: readonly number[];
      readonly caption: string;
      readonly probabilities: readonly number[];
    }[];
  }
  const ends = likelierEnds();
  afterAll(() => ends.remove());

  /** LAVIS scores a caption that is empty, too; here it has no score. */
  const isLegible = (text: string) => /[^.!"()*#:;~\s]/.test(text);

  test.each([0, 3])("50 pairs, [SEP] by %d: tokens, probabilities, the kept list", async (sepBias) => {
    const golden = await goldenJson<Golden>("capfilt");
    const rows = golden.rows.filter((row) => row.sepBias === sepBias);
    expect(rows.length * (golden.texts.length + 1)).toBe(50);
    const folder = join(root, `golden-${sepBias}`);
    await mkdir(folder);
    for (const [n, { image }] of rows.entries()) await cp(scene(n), join(folder, image));
    const list = rows.map(({ image }) => JSON.stringify({ image, caption: golden.texts }));
    await writeFile(join(folder, "rows.jsonl"), list.join("\n"));
    const out = fresh();
    const { seed, threshold } = golden;
    await capfilt(join(folder, "rows.jsonl"), out, {
      ...{ captioner: await ends.of("pretrain-original", sepBias), filter: both, seed, threshold },
      ...{ imageBatchSize: 3, html: 0 },
      ...quiet,
    });
    const found = await scored(out);
    expect(found.map((row) => row.seed)).toEqual(rows.map((row) => row.seed));
    for (const [n, row] of rows.entries()) {
      const random = seededRandom(row.seed, 0);
      expect(row.draws.map(() => random())).toEqual(row.draws);
      const own = must(found, n);
      expect(own.synthetic.tokens).toEqual(row.tokens);
      expect(own.synthetic.text).toBe(row.caption);
      row.probabilities.forEach((wanted, text) => {
        const { probability, text: said } = must([...own.web, own.synthetic], text);
        if (isLegible(said)) expect(Math.abs((probability ?? NaN) - wanted)).toBeLessThan(1e-5);
        else expect(probability).toBeNull();
      });
    }
    const wanted = rows.flatMap(({ image, caption, probabilities }) =>
      [...golden.texts, caption].flatMap((text, index) =>
        must(probabilities, index) >= threshold && isLegible(text) ? [[image, text]] : [],
      ),
    );
    expect((await keptOf(out)).map(({ image, texts }) => [image, must(texts as string[], 0)])).toEqual(
      wanted,
    );
    expect(wanted.length).toBeGreaterThan(10);
    expect(wanted.length).toBeLessThan(40);
  });
});

test("report, kept pairs and where they come from", async () => {
  const first = fresh();
  await capfilt(data, first, { captioner: both, html: 0, ...quiet });
  const threshold = await middle(first);
  const out = fresh();
  const report = await capfilt(data, out, { captioner: both, threshold, ...quiet });
  expect(await readdir(out)).toEqual(["kept", "report.html", "report.json", "scores.jsonl"]);
  expect(await parsed<CapFiltReport>(join(out, "report.json"))).toEqual(report);
  const rows = await scored(out);
  // Neither the threshold nor the page changes a score.
  expect(await scoresOf(out)).toEqual(await scoresOf(first));
  const web = rows.flatMap((row) => row.web);
  const keptWeb = web.filter(({ probability }) => probability !== null && probability >= threshold);
  const keptDrawn = rows.filter(({ synthetic }) => (synthetic.probability ?? 0) >= threshold);
  expect(report).toMatchObject({
    data: { rows: 10 },
    sharedImageEncoder: true,
    format: "jsonl",
    web: { texts: 14, keptTexts: keptWeb.length, dropped: 14 - keptWeb.length },
    synthetic: { texts: 10, keptTexts: keptDrawn.length, droppedShare: (10 - keptDrawn.length) / 10 },
    pairs: keptWeb.length + keptDrawn.length,
    failed: { count: 0, first: [] },
    imageRoot: join(root, "data"),
  });
  expect(report.web.histogram.reduce((a, b) => a + b, 0)).toBe(14);
  const { webOnly, syntheticOnly, both: withBoth, none } = report.images;
  expect(webOnly + syntheticOnly + withBoth + none).toBe(10);
  const kept = await keptOf(out);
  expect(kept).toHaveLength(report.pairs);
  const drawn = kept.find(({ capfilt_kind }) => capfilt_kind === "synthetic");
  const row = rows.find(({ n }) => `images/${n}.png` === drawn?.image);
  expect(drawn).toEqual({
    image: `images/${row?.n}.png`,
    texts: [row?.synthetic.text],
    site: `https://example.org/${row?.n}`,
    width: 64 + (row?.n ?? NaN),
    capfilt_source: `${data}, line ${(row?.n ?? NaN) + 1}`,
    capfilt_kind: "synthetic",
    capfilt_probability: row?.synthetic.probability,
    capfilt_web_probability: Math.max(...(row?.web.map(({ probability }) => probability ?? 0) ?? [])),
    capfilt_synthetic_probability: row?.synthetic.probability,
    capfilt_synthetic: row?.synthetic.text,
    capfilt_seed: row?.seed,
    capfilt_captioner: report.captioner.sha256,
    capfilt_filter: report.filter.sha256,
  });
});

describe("a run that was stopped", () => {
  const options = { captioner: both, imageBatchSize: 2, threshold: 0.5, ...quiet };

  test("goes on at the batch where it was, and keeps the same; nothing is computed twice", async () => {
    const [whole, cut] = [fresh(), fresh()];
    await capfilt(data, whole, options);
    const stop = new AbortController();
    const stopped = capfilt(data, cut, {
      ...options,
      signal: stop.signal,
      onStep: ({ step, done }) => {
        if (step === "rows" && done >= 4) stop.abort();
      },
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    const left = await scoresOf(cut);
    expect(left.length).toBeGreaterThanOrEqual(4);
    expect(left.length).toBeLessThan(10);
    expect(await readdir(cut)).toEqual(["scores.jsonl"]);
    // Of a batch of two the second row is missing, and half of a line stands behind the first.
    await writeFile(
      join(cut, "scores.jsonl"),
      `${await headOf(cut, 4)}${must(left, 2)}\n${must(left, 3).slice(0, 9)}`,
    );
    const seen: number[] = [];
    const again = await capfilt(data, cut, {
      ...options,
      resume: true,
      onStep: ({ step, done }) => step === "rows" && seen.push(done),
    });
    expect(seen[0]).toBe(2);
    expect(again.failed.count).toBe(0);
    expect(await scoresOf(cut)).toEqual(await scoresOf(whole));
    expect(await keptOf(cut)).toEqual(await keptOf(whole));
    expect(await readFile(join(cut, "kept/metadata.jsonl"))).toEqual(
      await readFile(join(whole, "kept/metadata.jsonl")),
    );
  });

  test("does not go on with other image settings, or another image encoder of its suite", async () => {
    const [suite, out] = [join(root, "suite-changed"), fresh()];
    await tinySuite(parts, suite, ["match", "caption"]);
    const again = { captioner: suite, html: 0, resume: true, ...quiet };
    await capfilt(data, out, again);
    const refused = async (path: string, content: string | Uint8Array) => {
      const before = await readFile(path);
      await writeFile(path, content);
      const message = await capfilt(data, out, again).then(
        () => "nothing",
        (error: unknown) => (error as Error).message,
      );
      await writeFile(path, before);
      return message;
    };
    for (const folder of ["match", "caption"]) {
      const settings = join(suite, folder, "preprocessor_config.json");
      const other = { ...(await parsed<object>(settings)), image_std: [0.5, 0.5, 0.5] };
      await writeFile(settings, JSON.stringify(other));
    }
    const encoder = join(suite, "image_encoder", "model.safetensors");
    const bytes = await readFile(encoder);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 4) ^ 1, bytes.length - 4);
    expect(await refused(encoder, bytes)).toMatch(
      /captioner \(SHA-256 of its image encoder\): .*; captioner's image setting std: .*; filter \(SHA-256 of its image/,
    );
  });

  /** The log's first line and rows before the one that is line `count` of the file. */
  const headOf = async (out: string, count: number) =>
    (await readFile(join(out, "scores.jsonl"), "utf8"))
      .split("\n")
      .slice(0, count - 1)
      .map((line) => `${line}\n`)
      .join("");
});

describe("an image is encoded once", () => {
  const run = async (captioner: string, filter: string) => {
    const { platform, runs } = watchedRuns();
    const open = () => readWebRows(data);
    const given = { captioner, filter, imageBatchSize: 5, html: 0, ...quiet };
    const out = fresh();
    const report = await runCapFilt(platform, nodeCapFiltHost, open, out, given);
    return { images: runs.get("image"), shared: report.sharedImageEncoder, scores: await scored(out) };
  };

  test("by one file, by a suite, and by two files with equal encoders; by others twice", async () => {
    const suite = await tinySuite(parts, join(root, "suite"), ["match", "caption"]);
    // Two batches of five images each.
    expect(await run(both, both)).toMatchObject({ images: 2, shared: true });
    const ofSuite = await run(suite, suite);
    const ofFiles = await run(parts.caption, parts.match);
    expect([ofSuite.images, ofFiles.images, ofSuite.shared, ofFiles.shared]).toEqual([2, 2, true, true]);
    expect(ofFiles.scores).toEqual(ofSuite.scores);
    expect(await run(fixture("tiny/caption"), both)).toMatchObject({ images: 4, shared: false });
  });
});

describe("what is wrong", () => {
  test("rows and images are counted, listed and left out; texts of which nothing can be read are dropped", async () => {
    const folder = join(root, "wrong");
    await mkdir(folder);
    await cp(scene(0), join(folder, "a.png"));
    await cp(fixture("images/truncated.jpg"), join(folder, "broken.jpg"));
    await writeFile(
      join(folder, "rows.jsonl"),
      [
        '{"image":"a.png","caption":"a dog"}',
        "{no json",
        '{"image":"broken.jpg","caption":"a cat"}',
        '{"image":"missing.png","caption":"a cat"}',
        '{"image":"a.png","caption":["...","two red cars"]}',
        '{"image":"a.png","caption":7}',
        '{"image":"a.png"}',
        '{"image":"../a.png","caption":"a cat"}',
        JSON.stringify({ image: "a.png", caption: ["\u200b", "\u00ad\u200d", "a dog ".repeat(2000)] }),
      ].join("\n"),
    );
    const told: string[] = [];
    const out = fresh();
    const report = await capfilt(join(folder, "rows.jsonl"), out, {
      ...{ captioner: both, threshold: 0, imageBatchSize: 3, html: 5 },
      onFailed: ({ code }) => told.push(code),
      ...quiet,
    });
    const codes = ["bad-json", "truncated", "not-found", "bad-field", "outside-root"];
    expect(told.map((code) => code.split("/")[1])).toEqual(codes);
    expect(report.failed.count).toBe(5);
    expect(report.failed.first.map(({ code }) => code)).toEqual(told);
    expect(report.failed.first[0]?.place).toBe(`${join(folder, "rows.jsonl")}, line 2`);
    expect(report.images.read).toBe(4);
    expect(report.web).toMatchObject({ texts: 6, keptTexts: 2, dropped: 4, unreadable: 4 });
    expect((await scoresOf(out)).length).toBe(9);
    // Nothing else of it changes the sound rows' numbers.
    const kept = await keptOf(out);
    expect(kept.filter(({ texts }) => (texts as string[])[0] === "...")).toEqual([]);
  });

  test.each([
    [
      "a captioner that cannot caption",
      { captioner: "match", filter: "match" },
      "model/wrong-task",
      /caption/,
    ],
    ["a filter that cannot match", { captioner: "caption", filter: "caption" }, "model/wrong-task", /match/],
    [
      "a filter of its own that cannot",
      { captioner: "pretrain-original", filter: "caption" },
      "model/wrong-task",
      /match/,
    ],
  ])("%s is refused", async (_, models, code, message) => {
    const captioner = fixture(`tiny/${models.captioner}`);
    const filter = fixture(`tiny/${models.filter}`);
    const refused = capfilt(data, fresh(), { captioner, filter, ...quiet });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test.each([
    [{ threshold: 1.5 }, "usage/bad-option"],
    [{ topP: -1 }, "usage/bad-option"],
    [{ seed: 0.5 }, "usage/bad-option"],
    [{ html: 1e6 }, "usage/bad-option"],
    [{ format: "xml" as "csv" }, "usage/bad-option"],
    [{ reader: { columns: { image: "photo" } } }, "dataset/bad-column"],
    [{ reader: { columns: { captions: "alt" } } }, "dataset/bad-column"],
    [{ maxLength: 3 }, "generate/prompt-too-long"],
  ])("%j is refused, before anything is written", async (options, code) => {
    const out = fresh();
    await expect(capfilt(data, out, { captioner: both, ...options, ...quiet })).rejects.toMatchObject({
      code,
    });
    expect(await readdir(out).catch(() => [])).not.toContain("kept");
  });

  test("a folder that is not empty is refused; with resume one that is no run's", async () => {
    const out = fresh();
    await mkdir(out);
    await writeFile(join(out, "letter.txt"), "dear");
    await expect(capfilt(data, out, { captioner: both })).rejects.toMatchObject({
      code: "capfilt/out-occupied",
    });
    await expect(capfilt(data, out, { captioner: both, resume: true })).rejects.toMatchObject({
      code: "capfilt/not-a-run",
    });
    expect(await readdir(out)).toEqual(["letter.txt"]);
    await expect(capfilt(join(root, "nowhere"), fresh())).rejects.toMatchObject({
      code: "dataset/not-found",
    });
    const empty = join(root, "bad.jsonl");
    await writeFile(empty, "{a\n{b\n");
    await expect(capfilt(empty, fresh(), { captioner: both })).rejects.toThrow(/bad\.jsonl/);
  });
});
