// `blip eval` as a script sees it: report, table, exit codes, files beside the report.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { blip, path, tiny } from "./run-blip.ts";

const folder = await mkdtemp(join(tmpdir(), "blip-eval-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
for (const name of ["astronaut", "coffee"])
  await cp(path(`fixtures/images/${name}.jpg`), join(folder, `images/${name}.jpg`));

const write = async (name: string, content: unknown) => {
  await writeFile(join(folder, name), JSON.stringify(content));
  return join(folder, name);
};
const images = ["astronaut.jpg", "coffee.jpg"];
const pairs = images.map((image, n) => ({ image, caption: [["a woman"], ["two red cars"]][n] }));
const questions = images.map((image, n) => ({
  ...{ image, question: "what is it ?", question_id: n, dataset: "vqa" },
  answer: ["snow", "snow", "snow", "her"],
}));

interface Report {
  readonly task: string;
  readonly model: { readonly sha256: string };
  readonly results: Readonly<Record<string, unknown>>;
  readonly failed: { readonly count: number };
  readonly options: Readonly<Record<string, unknown>>;
}
const at = (name: string) => ["--images", join(folder, "images"), "--out", join(folder, name), "--quiet"];

describe("blip eval", () => {
  test("prints a table of the metrics, or the report as JSON, which stands in the file as well", async () => {
    const data = await write("pairs.json", pairs);
    const args = ["eval", "retrieval", data, "--model", tiny("match-original"), "-k", "1", "-k", "2"];
    const table = await blip([...args, ...at("r.json")]);
    expect(table).toMatchObject({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(
      /^retrieval of .*match-original \([0-9a-f]{12}\) on .*pairs\.json: 2 of 2 rows, 0 failed/,
    );
    for (const metric of ["cosine.imageToText.r1", "reranked.k1.textToImage.r5", "reranked.k2.rMean"])
      expect(table.stdout).toMatch(new RegExp(`^${metric.replaceAll(".", "\\.")} +[\\d.]+$`, "m"));
    const json = await blip([...args, ...at("r.json"), "--json"]);
    const report = JSON.parse(json.stdout) as Report;
    expect(JSON.parse(await readFile(join(folder, "r.json"), "utf8"))).toEqual(report);
    expect(report).toMatchObject({
      task: "retrieval",
      failed: { count: 0 },
      options: { k: [1, 2], compat: "blip" },
    });
    expect(report.model.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test("scores the things that captions name, and writes the server's file", async () => {
    const data = await write("captions.json", pairs);
    const things = await write("things.json", ["car", { name: "person", synonyms: ["woman"] }]);
    const submission = join(folder, "submission.json");
    const args = [
      "--model",
      tiny("pretrain-original"),
      "--things",
      things,
      "--submission",
      submission,
      "--json",
    ];
    const { code, stdout } = await blip(["eval", "caption", data, ...args, ...at("c.json")]);
    expect(code).toBe(0);
    const { results } = JSON.parse(stdout) as Report;
    expect(results).toMatchObject({ images: 2, things: { precision: 0, recall: 0, f1: 0 } });
    expect(results.leftOut).toMatch(/METEOR and SPICE/);
    const rows = JSON.parse(await readFile(submission, "utf8")) as { image_id: string }[];
    expect(rows.map(({ image_id: id }) => id)).toEqual(images);
  });

  test("ranks a list of answers, with a folder for each set of images", async () => {
    const data = await write("questions.json", questions);
    const answers = await write("answers.json", ["snow", "her"]);
    const args = ["--model", tiny("vqa-original"), "--answers", answers, "-k", "2", "--json", "--quiet"];
    const root = ["--images", `vqa=${join(folder, "images")}`, "--out", join(folder, "v.json")];
    const { code, stdout } = await blip(["eval", "vqa", data, ...args, ...root]);
    expect(code).toBe(0);
    const { results } = JSON.parse(stdout) as Report;
    const rows = (await readFile(join(folder, "v.rows.jsonl"), "utf8")).trim().split("\n").slice(1);
    const said = rows.map((row) => (JSON.parse(row) as { answer: string }).answer);
    // A third for each of the others who gave the answer: for "snow" 2 / 3 of the three who said it and 1 of the fourth,
    // for "her" 1 / 3 of those three and nothing of the fourth.
    const worth = (answer: string | undefined) => (answer === "snow" ? 75 : 25);
    expect(said.filter((answer) => ["snow", "her"].includes(answer))).toHaveLength(2);
    expect(results.accuracy).toBeCloseTo((worth(said[0]) + worth(said[1])) / 2, 9);
  });

  test("ends with 1 if a row is wrong, which is named, and the others are there", async () => {
    const data = await write("wrong.json", [
      ...pairs,
      { image: 3, caption: "a dog" },
      { image: "gone.jpg", caption: "her" },
    ]);
    const args = ["--model", tiny("match-original"), "-k", "0", "--json"];
    const { code, stdout, stderr } = await blip([
      "eval",
      "retrieval",
      data,
      ...args,
      ...at("w.json").slice(0, -1),
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ failed: { count: 2 }, results: { images: 2, texts: 3 } });
    expect(stderr).toMatch(/wrong\.json, index 2: field "image"/);
    expect(stderr).toMatch(/gone\.jpg/);
  });

  test("ends with 2 for a wrong call, with 3 for a model of another task, and prints nothing then", async () => {
    const data = await write("two.json", pairs);
    const model = ["--model", tiny("match-original")];
    const calls = [
      await blip(["eval", "translate", data, ...model, ...at("x.json")]),
      await blip(["eval", "match", data, ...model, "--submission", data, ...at("x.json")]),
      await blip(["eval", "caption", join(folder, "nowhere.json"), ...model, ...at("x.json")]),
      await blip(["eval", "nlvr", data, ...model, ...at("x.json")]),
      await blip(["eval", "caption", data, ...model, ...at("x.json")]),
    ];
    expect(calls.map(({ code, stdout }) => [code, stdout])).toEqual([
      [2, ""],
      [2, ""],
      [2, ""],
      [2, ""],
      [3, ""],
    ]);
    expect(calls[1]?.stderr).toMatch(/submission/);
    expect(calls[4]?.stderr).toMatch(/cannot do "caption"/);
  });
});
