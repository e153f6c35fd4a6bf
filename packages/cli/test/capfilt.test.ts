// `blip capfilt` as a script sees it: report, exit codes, refusals.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bars } from "../src/capfilt/report-lines.ts";
import { blip, pasted, path, scene, tiny } from "./run-blip.ts";

let root: string;
let data: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-capfilt-"));
  await mkdir(join(root, "data"));
  for (const name of ["01", "02", "03"]) await cp(scene(name), join(root, `data/${name}.png`));
  const rows = ["01", "02", "03"].map((name) =>
    JSON.stringify({ photo: `${name}.png`, alt: "a dog", site: name }),
  );
  data = join(root, "data/rows.jsonl");
  await writeFile(data, rows.join("\n"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const fresh = () => join(root, `out-${count++}`);
const columns = ["--column", "image=photo", "--column", "captions=alt"];
const both = ["--captioner", tiny("pretrain-original")];

describe("blip capfilt", () => {
  test("prints shares and histograms, and how to go on; leaves its folder", async () => {
    const out = fresh();
    const run = await blip(["capfilt", data, out, ...both, ...columns, "--threshold", "0", "--html", "2"]);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^.*rows\.jsonl: 3 rows, captioned by .*; one image encoder serves both$/m);
    expect(run.stdout).toMatch(/^web +3 +3 +0 +0\.0 % +0\.\d{4}$/m);
    expect(run.stdout).toMatch(/^synthetic +3 +3 +0 +0\.0 % +0\.\d{4}$/m);
    expect(run.stdout).toMatch(/^ {2}web +\|[ ▁▂▃▄▅▆▇█]{20}\|$/m);
    expect(run.stdout).toMatch(/^6 pairs kept \(jsonl\), 0 rows left out, [\d.e+]+ images per second$/m);
    expect(run.stderr).toMatch(/3 of 3 rows, [\d.e+]+ images per second, 0 s left/);
    expect(run.stderr).toContain(
      `blip train pretrain ${out}/kept --column image=photo --column captions=alt --images ${out}/kept=${join(root, "data")} `,
    );
    expect(await readdir(out)).toEqual(["kept", "report.html", "report.json", "scores.jsonl"]);
    const lines = (await readFile(join(out, "kept/metadata.jsonl"), "utf8")).trim().split("\n");
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ photo: "01.png", alt: "a dog", site: "01" });
    expect(lines).toHaveLength(6);
  });

  test("--json prints the report that is written; --resume takes another threshold and form", async () => {
    const out = fresh();
    const args = ["capfilt", data, out, ...both, ...columns, "--quiet", "--json"];
    const first = await blip([
      ...args,
      "--seed",
      "3",
      "--top-p",
      "0.5",
      "--max-length",
      "9",
      "--batch-size",
      "2",
    ]);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const report = JSON.parse(first.stdout) as Record<string, unknown>;
    expect(report).toEqual(JSON.parse(await readFile(join(out, "report.json"), "utf8")));
    expect(report).toMatchObject({
      options: {
        seed: 3,
        topP: 0.5,
        topK: 50,
        repetitionPenalty: 1.1,
        minLength: 5,
        maxLength: 9,
        compat: "blip",
      },
    });
    const again = [
      ...args,
      "--seed",
      "3",
      "--top-p",
      "0.5",
      "--max-length",
      "9",
      "--batch-size",
      "2",
      "--resume",
    ];
    const second = await blip([...again, "--threshold", "0", "--format", "csv", "--html", "0"]);
    expect(JSON.parse(second.stdout)).toMatchObject({ pairs: 6, format: "csv", imagesPerSecond: null });
    expect(await readdir(join(out, "kept"))).toEqual(["metadata.csv"]);
    const other = await blip([...args, "--seed", "4", "--resume"]);
    expect(other).toMatchObject({ code: 2, stdout: "" });
    expect(other.stderr).toMatch(/: --seed: expected 4, got 3/);
  });

  test("--generation-config says how captions are drawn, and an option wins", async () => {
    const config = join(root, "generation_config.json");
    await writeFile(config, '{"max_length": 8, "top_k": 7, "repetition_penalty": 1.5, "min_length": 3}');
    const args = ["capfilt", data, fresh(), ...both, ...columns, "--quiet", "--json", "--min-length", "4"];
    const drawn = await blip([...args, "--generation-config", config]);
    expect(drawn).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(drawn.stdout)).toMatchObject({
      options: { maxLength: 8, minLength: 4, topK: 7, repetitionPenalty: 1.5, topP: 0.9 },
    });
    const other = await blip([...args, "--resume"]);
    expect(other).toMatchObject({ code: 2, stdout: "" });
    expect(other.stderr).toMatch(
      /: --generation-config: expected null, got .*max_length.*; --max-length: expected 20, got 8/,
    );
  });

  test.runIf(process.platform !== "win32")(
    "the command that it prints trains on the kept pairs, also beside another list",
    async () => {
      const out = join(root, "a run =1");
      const args = ["capfilt", data, `${out}/`, ...both, ...columns, "--threshold", "0", "--html", "0"];
      const { stderr } = await blip(args);
      const list = join(root, "clean/clean.jsonl");
      await mkdir(join(root, "clean"));
      await cp(scene("04"), join(root, "clean/04.png"));
      await writeFile(list, JSON.stringify({ photo: "04.png", alt: "a cat" }));
      const run = await pasted(stderr.replace("pretrain ", `pretrain ${list} `));
      expect(run.code).toBe(0);
      expect(run.stderr).toMatch(/^7 samples, 1 steps of 4,/m);
      expect(run.stderr).not.toContain("Left out");
    },
  );

  test("nothing is to be trained on if hardly a pair is kept", async () => {
    const run = await blip(["capfilt", data, fresh(), ...both, ...columns, "--threshold", "1"]);
    expect(run.stderr).toMatch(/kept: 0, too few to train on\.\n$/);
  });

  test("a row that failed is said, and makes the exit 1; the others are there", async () => {
    const list = join(root, "data/failing.jsonl");
    await cp(path("fixtures/images/truncated.jpg"), join(root, "data/broken.jpg"));
    await writeFile(
      list,
      '{"image":"01.png","caption":"a"}\n{"image":"broken.jpg","caption":"a"}\n{"image":\n',
    );
    const out = fresh();
    const run = await blip(["capfilt", list, out, ...both, "--threshold", "0"]);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/2 pairs kept \(jsonl\), 2 rows left out/);
    expect(run.stderr).toMatch(/^Left out: .*line 2: .*broken\.jpg/m);
    expect(run.stderr).toMatch(/^Left out: .*line 3: /m);
  });

  test.each([
    [["--threshold", "2"], 2, /threshold: expected a number from 0 to 1/],
    [["--column", "photo"], 2, /--column: expected ROLE=NAME \(ROLE: image, captions\), got "photo"/],
    [["--column", "image=foto"], 2, /expected a column "foto"/],
    [["--format", "xml"], 2, /Allowed choices are jsonl, csv, parquet, webdataset, folder/],
    [["--captioner", tiny("match")], 3, /cannot do "caption"/],
    [["--filter", tiny("caption")], 3, /cannot do "match"/],
  ])("%j is refused with %d", async (more, code, message) => {
    const run = await blip(["capfilt", data, fresh(), ...both, ...columns, ...more]);
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toMatch(message);
  });

  test("a folder that holds something is refused, with what to do", async () => {
    const out = fresh();
    await mkdir(out);
    await writeFile(join(out, "x"), "");
    const run = await blip(["capfilt", data, out, ...both, ...columns]);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/expected a folder that is empty or missing, got x\. .*--resume/);
  });

  test("--help says the defaults", async () => {
    const { stdout } = await blip(["capfilt", "--help"]);
    // Lines may break within a default.
    const help = stdout.replaceAll(/\s+/g, " ");
    for (const text of [
      "0.5",
      "0.9",
      "42",
      "default: 100",
      "default: 8",
      "picture-book",
      "default: that of the data",
    ])
      expect(help).toContain(text);
  });
});

test("bars: the highest is full, none is blank but zero", () => {
  expect(bars([0, 1, 1000, 500])).toBe(" ▁█▄");
  expect(bars([0, 0])).toBe("  ");
});
