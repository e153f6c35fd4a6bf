// `--pairs FILE`: what rows of each form give by each verb, their order, what is wrong with them, and what is refused.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { must } from "@blip-ts/base";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cases, expectedRows, first, forms, second } from "./pair-cases.ts";
import { blip, path, rowsOf, tiny } from "./run-blip.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-pairs-"));
});
afterAll(() => rm(folder, { recursive: true }));

let files = 0;
async function fileOf(content: string | Uint8Array, name = `pairs-${files++}`): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

describe.each(cases)("blip $verb --pairs", (pairs) => {
  const { verb, model, rows } = pairs;

  // The readers' own tests read every form; the slow suite gives each of them to each verb.
  test("gives the library's numbers in the rows' order, with the rows' other fields", async () => {
    const expected = await expectedRows(pairs);
    const stdin = must(forms, 0)[1](rows);
    const { code, stdout, stderr } = await blip([verb, "--pairs", "-", "--model", tiny(model), "--jsonl"], {
      stdin,
    });
    expect([code, stderr]).toEqual([0, ""]);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(expected);
  });

  test("prints a table of its columns", async () => {
    const file = await fileOf(must(forms, 0)[1]([...rows, { note: "no image" }]));
    const { code, stdout } = await blip([verb, "--pairs", file, "--model", tiny(model), "--quiet"]);
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(rows.length + 2);
    expect(lines[0]).toMatch(verb === "compare" ? /^left +right +statement +label +probability$/ : /^image /);
    expect(lines.at(-1)).toMatch(/, line 4 +\(dataset\/bad-row\)/);
  });

  test("is refused beside images, and needs either", async () => {
    const file = await fileOf(must(forms, 0)[1](rows));
    const images = verb === "compare" ? [first, second] : [first];
    const both = await blip([verb, ...images, "--pairs", file, "--model", tiny(model), "--json"]);
    expect([both.code, both.stdout]).toEqual([2, ""]);
    expect(both.stderr).toContain("--pairs: expected images and texts in its rows alone, got images");
    const flag = { match: "-t", ask: "-q", compare: "-s", caption: undefined }[verb];
    if (flag !== undefined) {
      const text = await blip([verb, "--pairs", file, flag, "a dog", "--model", tiny(model), "--json"]);
      expect([text.code, text.stdout]).toEqual([2, ""]);
      expect(text.stderr).toContain(`got ${flag} beside it`);
    }
    const none = await blip([verb, "--model", tiny(model), "--json"]);
    expect([none.code, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toContain("--pairs FILE");
    const window = await blip([verb, ...images, "--window", "3", "--model", tiny(model), "--json"]);
    expect([window.code, window.stdout]).toEqual([2, ""]);
    expect(window.stderr).toContain("--window: expected --pairs FILE beside it");
  });
});

const match = (file: string, ...args: string[]) =>
  blip(["match", "--pairs", file, "--model", tiny("match"), ...args]);

describe("wrong rows", () => {
  test("have their errors in their places, with line and field, and the others go on", async () => {
    const missing = join(folder, "none.png");
    const file = await fileOf(
      [
        { image: first, text: "a dog", id: 0 },
        { text: "no image", id: 1 },
        { image: first, text: 7, id: 2 },
        "oops",
        { image: missing, text: "a dog", id: 4 },
        { image: path("fixtures/images/text.jpg"), text: "a dog", id: 5 },
        { image: second, text: "a dog", id: 6 },
      ]
        .map((row) => (typeof row === "string" ? row : JSON.stringify(row)))
        .join("\n"),
    );
    const { code, stdout, stderr } = await match(file, "--jsonl");
    expect(code).toBe(1);
    const rows = stdout
      .trim()
      .split("\n")
      .map(
        (line) => JSON.parse(line) as Record<string, unknown> & { error?: { code: string; message: string } },
      );
    expect(rows.map(({ id, error }) => [id, error?.code])).toEqual([
      [0, undefined],
      [1, "dataset/bad-row"],
      [2, "dataset/bad-field"],
      [undefined, "dataset/bad-json"],
      [4, "image/not-found"],
      [5, "image/not-an-image"],
      [6, undefined],
    ]);
    rows.forEach(({ error }, index) => {
      if (error) expect(error.message.startsWith(`${file}, line ${index + 1}: `)).toBe(true);
    });
    expect(rows[1]).toMatchObject({ text: "no image" });
    expect(rows[2]?.error?.message).toContain('field "text"');
    // What is no text is not printed as one.
    expect(rows[2]).toMatchObject({ image: first, row: { text: 7 } });
    expect(rows[4]).toMatchObject({ image: missing, text: "a dog" });
    expect(stderr.trim().split("\n")).toHaveLength(5);
  });

  test("name options as the command does, and keep their fields", async () => {
    const file = await fileOf(JSON.stringify([{ image: first, text: "a dog", id: 7 }]));
    const { stdout } = await match(file, "--json", "--quiet", "--max-pixels", "1");
    const [row] = rowsOf(stdout);
    expect(row).toMatchObject({ image: first, text: "a dog", id: 7, error: { code: "image/too-large" } });
    expect(JSON.stringify(row?.error)).toMatch(/raise --max-pixels/);
  });

  test("of a file that breaks off: rows before are answered, and the last says so", async () => {
    const file = await fileOf(`[${JSON.stringify({ image: first, text: "a dog" })}, {"ima`);
    const { code, stdout } = await match(file, "--json", "--quiet");
    expect(code).toBe(1);
    expect(rowsOf(stdout)).toMatchObject([
      { image: first, text: "a dog" },
      { error: { code: "dataset/truncated" } },
    ]);
  });

  test.each<[name: string, content: string | Uint8Array, code: string]>([
    ["an empty file", "", "an empty file"],
    ["no rows", "[]", "at least one row"],
    ["UTF-16", Buffer.from("\ufeffimage,text\na.png,t\n", "utf16le"), "UTF-16"],
    ["an image", Buffer.from("\x89PNG\r\n", "latin1"), "a PNG image"],
  ])("%s is a wrong call, found before the model is", async (_, content, message) => {
    const file = await fileOf(content);
    const { code, stdout, stderr } = await blip([
      "match",
      "--pairs",
      file,
      "--model",
      join(folder, "no-model"),
      "--json",
    ]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  test("a file that is not there is a wrong call; a model that is not there is another failure", async () => {
    const none = await match(join(folder, "none.jsonl"), "--json");
    expect([none.code, none.stdout]).toEqual([2, ""]);
    const file = await fileOf(JSON.stringify({ image: first, text: "a dog" }));
    const model = await blip(["match", "--pairs", file, "--model", join(folder, "no-model"), "--json"]);
    expect([model.code, model.stdout]).toEqual([3, ""]);
  });
});

describe("fields", () => {
  test("that have the name of a result stand in `row`, whether the row failed or not", async () => {
    const rows = [
      { left: first, right: second, sentence: "both show a dog", label: "True", row: 5, identifier: "x" },
      { left: first, right: join(folder, "none.png"), sentence: "a tree", label: "False", identifier: "y" },
    ];
    const file = await fileOf(JSON.stringify(rows));
    const { code, stdout } = await blip([
      "compare",
      "--pairs",
      file,
      "--model",
      tiny("nlvr-original"),
      "--json",
      "--quiet",
    ]);
    expect(code).toBe(1);
    const [judged, failed] = rowsOf(stdout);
    expect(judged).toMatchObject({
      statement: "both show a dog",
      identifier: "x",
      row: { label: "True", row: 5 },
    });
    expect(typeof judged?.label).toBe("boolean");
    expect(failed).toMatchObject({
      images: [first, join(folder, "none.png")],
      identifier: "y",
      row: { label: "False" },
    });
    expect(failed).not.toHaveProperty("label");
  });

  test("several texts of a row are several rows, and texts of other columns are passed through", async () => {
    const file = await fileOf(
      JSON.stringify([{ image: first, texts: ["a dog", "a cat"], caption: "kept", id: 1 }]),
    );
    const rows = rowsOf((await match(file, "--json")).stdout);
    expect(rows.map(({ image, text, caption, id }) => [image, text, caption, id])).toEqual([
      [first, "a dog", "kept", 1],
      [first, "a cat", "kept", 1],
    ]);
  });

  test("of caption: a row without a prompt takes --prompt; its reference stays its own", async () => {
    const file = await fileOf(
      JSON.stringify([
        { image: first, caption: "gold" },
        { image: first, prompt: "the red" },
      ]),
    );
    const args = ["--model", tiny("caption"), "--compat", "hf", "--json"];
    const rows = rowsOf((await blip(["caption", "--pairs", file, "--prompt", "a dog", ...args])).stdout);
    expect(rows.map(({ prompt, row }) => [prompt, row])).toEqual([
      ["a dog", { caption: "gold" }],
      ["the red", undefined],
    ]);
    expect(String(rows[0]?.caption)).toMatch(/^a dog/);
    expect(String(rows[1]?.caption)).toMatch(/^the red/);
  });
});

test("paths start at the file's folder, on standard input at the current one, and are printed as given", async () => {
  const name = basename(first);
  const file = await fileOf(JSON.stringify([{ image: name, text: "a dog" }]), "relative.json");
  const broken = await match(file, "--json", "--quiet");
  expect(rowsOf(broken.stdout)).toMatchObject([{ image: name, error: { code: "image/not-found" } }]);
  const { copyFile } = await import("node:fs/promises");
  await copyFile(first, join(folder, name));
  const found = await match(file, "--json", "--quiet");
  expect(found.code).toBe(0);
  expect(rowsOf(found.stdout)[0]?.image).toBe(name);
  const before = process.cwd();
  const stdin = JSON.stringify([{ image: name, text: "a dog" }]);
  const here = await blip(["match", "--pairs", "-", "--model", tiny("match"), "--json", "--quiet"], {
    stdin,
  });
  expect(rowsOf(here.stdout)).toMatchObject([{ error: { code: "image/not-found" } }]);
  try {
    process.chdir(dirname(first));
    const there = await blip(["match", "--pairs", "-", "--model", tiny("match"), "--json", "--quiet"], {
      stdin,
    });
    expect(there.code).toBe(0);
  } finally {
    process.chdir(before);
  }
});
