// The rows of an image are evaluated as one image, whatever the number of its captions per row.
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { evaluate, type EvaluateOptions, type FailedExample } from "blip-ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { linesOf } from "./support/killed.ts";

const model = fixture("tiny/pretrain-original");
const pictures = ["astronaut", "chelsea", "coffee", "rocket"];
const words = ["a woman and her dog", "a cat under a tree", "two red cars"];
const captions = (image: number) => words.map((text, n) => `${text} ${(image * n) % 4}`);

let folder = "";
async function list(name: string, rows: readonly object[]): Promise<string> {
  await writeFile(join(folder, name), JSON.stringify(rows));
  return join(folder, name);
}

const images = pictures.map((_, n) => n);
const image = (n: number) => `a/x_${n}.jpg`;
/** A row per caption; the rows of an image are apart. */
const perCaption = (fields: (n: number) => object) =>
  words.flatMap((_, text) =>
    images.map((n) => ({ image: image(n), caption: captions(n)[text], ...fields(n) })),
  );

async function evaluated(path: string, options: EvaluateOptions = {}) {
  const submission = `${path}.submission`;
  const report = await evaluate("caption", path, { model, submission, beams: 1, ...options });
  return { report, submitted: JSON.parse(await readFile(submission, "utf8")) as object[] };
}

let expected: Awaited<ReturnType<typeof evaluated>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-captions-"));
  await mkdir(join(folder, "a"));
  for (const [n, name] of pictures.entries())
    await copyFile(fixture(`images/${name}.jpg`), join(folder, image(n)));
  const whole = images.map((n) => ({ image: image(n), caption: captions(n) }));
  expected = await evaluated(await list("whole.json", whole));
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a row per caption gives the results and the submission of a row per image", async () => {
  expect(expected.report.results.images).toBe(4);
  expect(expected.submitted).toMatchObject(images.map((n) => ({ image_id: n })));
  for (const [name, fields] of [
    ["path.json", () => ({})],
    ["id.json", (n: number) => ({ image_id: n })],
  ] as const) {
    const found = await evaluated(await list(name, perCaption(fields)));
    expect(found.report, name).toMatchObject({ rows: 12, data: { rows: 12 } });
    expect(found.report.results, name).toEqual(expected.report.results);
    expect(found.submitted, name).toEqual(expected.submitted);
  }
});

test("a reference that is too long to score fails its row, with its place", async () => {
  const rows = images.map((n) => ({
    ...{ image: image(n), caption: n === 1 ? [words[0], "word ".repeat(1001)] : captions(n) },
  }));
  const failed: FailedExample[] = [];
  const path = await list("long.json", rows);
  const { report } = await evaluated(path, { onFailed: (failure) => failed.push(failure) });
  expect(report.results.images).toBe(3);
  expect(report.failed.count).toBe(1);
  expect(failed).toEqual([
    {
      ...{ place: `${path}, row 1`, code: "evaluate/long-reference" },
      message: "captions: expected texts of at most 5000 characters, got one of 5005. Shorten it.",
    },
  ]);
});

test("a stopped run goes on with the images that are left, each once", async () => {
  const path = await list(
    "stopped.json",
    perCaption(() => ({})),
  );
  const report = join(folder, "stopped-report.json");
  const stop = new AbortController();
  const options = { report, imageBatchSize: 1 } satisfies EvaluateOptions;
  const seen: (number | undefined)[] = [];
  await expect(
    evaluated(path, {
      ...options,
      signal: stop.signal,
      onStep({ step, done, total }) {
        if (step === "rows") seen.push(total);
        if (step === "rows" && done === 2) stop.abort(new Error("enough"));
      },
    }),
  ).rejects.toThrow("enough");
  expect(new Set(seen)).toEqual(new Set([4]));
  const rows = join(folder, "stopped-report.rows.jsonl");
  expect(await linesOf(rows)).toHaveLength(1 + 2);
  const resumed = await evaluated(path, options);
  expect(await linesOf(rows)).toHaveLength(1 + 4);
  expect(resumed.report.results).toEqual(expected.report.results);
  expect(resumed.submitted).toEqual(expected.submitted);
});

test("NoCaps: rows of equal img_id are one image", async () => {
  const rows = [0, 1, 0].map((id) => ({ image: image(id), img_id: id }));
  const path = await list("nocaps.json", rows);
  const submission = join(folder, "nocaps.submission");
  const report = await evaluate("nocaps", path, { model, submission, beams: 1 });
  expect(report.results).toEqual({ images: 2, withoutReferences: 2 });
  expect(JSON.parse(await readFile(submission, "utf8"))).toMatchObject([{ image_id: 0 }, { image_id: 1 }]);
});
