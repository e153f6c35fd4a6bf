// An evaluation that is killed goes on from its rows, and ends with the same report. All tasks are in the slow tests.
import { appendFile, cp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { evaluate, type EvaluateOptions, type FailedExample } from "blip-ts";
import { afterAll, describe, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { dataOf, killed, linesOf, ofRun } from "./support/killed.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function data(task: Parameters<typeof dataOf>[0], rows: number) {
  const folder = await dataOf(task, rows);
  folders.push(folder);
  return { folder, list: join(folder, "rows.json") };
}

const match = fixture("tiny/match-original");

test("retrieval, killed while its pairs are scored, gives the same report", async () => {
  const { folder, list } = await data("retrieval", 24);
  const options = { model: match, k: [3, 5], imageBatchSize: 1, statesCache: 1 } satisfies EvaluateOptions;
  const report = join(folder, "report.json");
  // Its run, 48 texts, 24 images, and some images' pairs.
  const left = await killed("retrieval", list, { ...options, report }, 1 + 48 + 24 + 6);
  const resumed = await evaluate("retrieval", list, { ...options, report });
  const lines = await linesOf(join(folder, "report.rows.jsonl"));
  // What was there was not computed again.
  expect(lines.slice(0, left.length)).toEqual(left);
  expect(new Set(lines).size).toBe(lines.length);
  expect(lines).toHaveLength(1 + 48 + 24 + 24);
  await expect(stat(join(folder, "report.states.bin"))).rejects.toThrow();
  const whole = await evaluate("retrieval", list, { ...options, statesCache: 0 });
  expect(ofRun(resumed)).toEqual(ofRun(whole));
  expect(whole.files).toEqual([]);
});

describe("image states that are lost before a run goes on", () => {
  const options = { model: match, k: [3, 5], imageBatchSize: 1, statesCache: 1 } satisfies EvaluateOptions;

  /** Runs until `images` images are encoded. */
  async function stopped(list: string, report: string, images: number) {
    const stop = new AbortController();
    const run = evaluate("retrieval", list, {
      ...{ ...options, report, signal: stop.signal },
      onStep({ step, done }) {
        if (step === "images" && done >= images) stop.abort(new Error("enough"));
      },
    });
    await expect(run).rejects.toThrow("enough");
  }

  test.each<[string, (states: string, report: string, list: string) => Promise<void>]>([
    ["a missing file", (states) => rm(states)],
    ["a cut file", async (states) => truncate(states, Math.floor(((await stat(states)).size * 3) / 8))],
    [
      "a missing file, and a kill while the first state was written again",
      async (states, report, list) => {
        const { size } = await stat(states);
        await rm(states);
        await stopped(list, report, 0);
        await writeFile(states, new Uint8Array(size / 4));
      },
    ],
  ])("%s: the same report", async (_, lose) => {
    const { folder, list } = await data("retrieval", 8);
    const report = join(folder, "report.json");
    await stopped(list, report, 4);
    await lose(join(folder, "report.states.bin"), report, list);
    const resumed = await evaluate("retrieval", list, { ...options, report });
    const whole = await evaluate("retrieval", list, { ...options, statesCache: 0 });
    expect(ofRun(resumed)).toEqual(ofRun(whole));
  });
});

describe("a run that goes on", () => {
  test("refuses rows of another model, other options, other data, by their names", async () => {
    const { folder, list } = await data("match", 2);
    const report = join(folder, "report.json");
    const given = { model: match, report };
    await evaluate("match", list, given);
    const refused = (options: EvaluateOptions) =>
      evaluate("match", list, options).then(
        () => "nothing",
        (error: unknown) => (error as Error).message,
      );
    const other = fixture("tiny/pretrain-original");
    expect(await refused({ ...given, model: other })).toMatch(
      /report\.rows\.jsonl: .*model \(SHA-256.*restart: true/,
    );
    expect(await refused({ ...given, imageSize: 48 })).toMatch(/option imageSize: expected 48, got 32/);
    expect(await refused({ ...given, limit: 1 })).toMatch(
      /data \(SHA-256 of its rows\).*option limit: expected 1/,
    );
    await writeFile(list, (await readFile(list, "utf8")).replace("two red cars", "two blue cars"));
    expect(await refused({ ...given, model: match })).not.toBe("nothing");
    await expect(evaluate("match", list, { ...given, restart: true })).resolves.toMatchObject({ rows: 2 });
  });

  test("refuses rows of other image settings, another tokenizer, and a run that does not name them", async () => {
    const { folder, list } = await data("match", 2);
    const [report, model] = [join(folder, "report.json"), join(folder, "model")];
    await cp(fixture("tiny/match"), model, { recursive: true });
    const given = { model, report, onWarning: () => undefined };
    const first = await evaluate("match", list, given);
    const refused = () =>
      evaluate("match", list, given).then(
        () => "nothing",
        (error: unknown) => (error as Error).message,
      );
    const changed = async (path: string, change: (text: string) => string) => {
      const text = await readFile(path, "utf8");
      await writeFile(path, change(text));
      const message = await refused();
      await writeFile(path, text);
      return message;
    };
    const fields = (added: object) => (text: string) => JSON.stringify({ ...JSON.parse(text), ...added });
    expect(
      await changed(join(model, "preprocessor_config.json"), fields({ image_mean: [0.5, 0.5, 0.5] })),
    ).toMatch(
      /got those of another one: model's image setting mean: expected \[0\.5,0\.5,0\.5\], got \[0\.48/,
    );
    expect(await changed(join(model, "tokenizer_config.json"), fields({ do_lower_case: false }))).toMatch(
      /: model \(SHA-256 of its tokenizer\): expected/,
    );
    // An earlier version did not write the settings.
    const { images, ...rest } = first.model;
    const rows = join(folder, "report.rows.jsonl");
    const old = (text: string) => text.replace(JSON.stringify(first.model), JSON.stringify(rest));
    expect(await changed(rows, old)).toMatch(
      RegExp(`setting height: expected ${images.height}, got nothing; .*restart: true`),
    );
    await expect(evaluate("match", list, given)).resolves.toMatchObject({ results: first.results });
  });

  test("takes up whole lines alone, and tries again what failed", async () => {
    const { folder, list } = await data("match", 3);
    const report = join(folder, "report.json");
    const given = { model: match, report };
    const missing = join(folder, "images/1.jpg");
    const bytes = await readFile(missing);
    await rm(missing);
    const failed: FailedExample[] = [];
    const first = await evaluate("match", list, { ...given, onFailed: (one) => failed.push(one) });
    expect(first).toMatchObject({ rows: 3, failed: { count: 1 }, results: { rows: 2 } });
    expect(failed).toMatchObject([{ code: "image/not-found", place: `${list}, row 1` }]);
    await writeFile(missing, bytes);
    await appendFile(join(folder, "report.rows.jsonl"), '{"kind":"row","n":0,"id":0,"proba');
    const second = await evaluate("match", list, given);
    expect(second).toMatchObject({ failed: { count: 0 }, results: { rows: 3 } });
    const lines = await linesOf(join(folder, "report.rows.jsonl"));
    expect(lines).toHaveLength(1 + 3 + 1);
  });

  test("refuses a file of something else, and a second run beside the first", async () => {
    const { folder, list } = await data("match", 2);
    const report = join(folder, "report.json");
    await writeFile(join(folder, "report.rows.jsonl"), "a line of something else\n");
    await expect(evaluate("match", list, { model: match, report })).rejects.toMatchObject({
      code: "evaluate/not-rows",
    });
    const runs = [0, 1].map(() => evaluate("match", list, { model: match, report, restart: true }));
    const found = await Promise.allSettled(runs);
    expect(found.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [refused] = found.flatMap((one) => (one.status === "rejected" ? [one.reason as Error] : []));
    expect(refused).toMatchObject({ code: "evaluate/in-use" });
  });
});

test("a wrong row is named with its file, row and field, and the others go on", async () => {
  const { folder } = await data("vqa", 3);
  const list = join(folder, "wrong.json");
  const rows = JSON.parse(await readFile(join(folder, "rows.json"), "utf8")) as Record<string, unknown>[];
  rows[1] = { ...rows[1], question: 7 };
  rows.push({ ...rows[0], question_id: 9, question: "..." });
  await writeFile(list, JSON.stringify(rows));
  const failed: FailedExample[] = [];
  const report = await evaluate("vqa", list, {
    model: fixture("tiny/vqa-original"),
    onFailed: (one) => failed.push(one),
  });
  expect(report).toMatchObject({ rows: 4, failed: { count: 2, first: failed }, results: { questions: 2 } });
  expect(failed.map(({ code }) => code)).toEqual(["dataset/bad-field", "text/empty"]);
  expect(failed[0]?.message).toMatch(/wrong\.json, index 1: field "question"/);
});
