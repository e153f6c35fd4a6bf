// The command as a script sees it: stdout, stderr and exit codes, through its own main.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "blip-ts";
import { describe, expect, test } from "vitest";
import { blip, path, scene, tiny } from "./run-blip.ts";

interface Row {
  readonly image: string;
  readonly text?: string;
  readonly logits?: [number, number];
  readonly probability?: number;
  readonly cosine?: number;
  readonly rankScore?: number;
  readonly error?: { code: string; message: string };
}
const rowsOf = (stdout: string) => JSON.parse(stdout) as Row[];

describe("blip match", () => {
  test("prints a table of every image with every text, and where the model came from on stderr", async () => {
    const { code, stdout, stderr } = await blip([
      "match",
      scene("01"),
      "-t",
      "a small sheep on a purple background",
      "-t",
      "a small taxi on a purple background",
    ]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^image +text +match +cosine$/);
    const texts = ["-t", "a small sheep on a purple background", "-t", "a small taxi on a purple background"];
    const json = await blip(["match", scene("01"), ...texts, "--json", "--quiet"]);
    rowsOf(json.stdout).forEach(({ text, probability, cosine }, index) => {
      const numbers = `${(100 * (probability ?? NaN)).toFixed(1)} % +${(cosine ?? NaN).toFixed(3)}`;
      expect(lines[index + 1]).toMatch(new RegExp(`${text} +${numbers}$`));
    });
    expect(stderr).toMatch(/picture-book.*photographs/);
  });

  test("prints one JSON array, or a row a line, with the contract's fields", async () => {
    const args = ["match", scene("01"), scene("02"), "-t", "a dog", "--quiet"];
    const json = await blip([...args, "--json"]);
    const lines = await blip([...args, "--jsonl"]);
    expect(json.stderr).toBe("");
    const rows = rowsOf(json.stdout);
    expect(rows.map(({ image }) => image)).toEqual([scene("01"), scene("02")]);
    for (const row of rows)
      expect(Object.keys(row)).toEqual(["image", "text", "logits", "probability", "cosine", "rankScore"]);
    expect(
      lines.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Row),
    ).toEqual(rows);
  });

  test("takes folders by name, patterns, and a list on standard input", async () => {
    const args = ["-t", "a dog", "--json", "--quiet"];
    const names = async (given: string[], stdin?: string) =>
      rowsOf((await blip(["match", ...given, ...args], stdin === undefined ? {} : { stdin })).stdout).map(
        ({ image }) => image.split("/").at(-1),
      );
    const all = Array.from({ length: 12 }, (_, index) => `${String(index + 1).padStart(2, "0")}.png`);
    expect(await names([path("examples/scenes")])).toEqual(all);
    expect(await names([path("examples/scenes/0[12].png")])).toEqual(["01.png", "02.png"]);
    expect(await names(["-"], `${scene("03")}\n${scene("01")}\n`)).toEqual(["03.png", "01.png"]);
    expect(await names(["-", "-0"], `${scene("03")}\0${scene("01")}\0`)).toEqual(["03.png", "01.png"]);
  });

  test("keeps going after a broken file, says so in its row, and exits with 1", async () => {
    const args = [
      "match",
      scene("01"),
      path("fixtures/images/text.jpg"),
      "-t",
      "a dog",
      "-t",
      "a cat",
      "--json",
    ];
    const { code, stdout, stderr } = await blip(args);
    expect(code).toBe(1);
    const rows = rowsOf(stdout);
    expect(rows).toHaveLength(3);
    expect(rows[2]).toEqual({
      image: path("fixtures/images/text.jpg"),
      error: { code: "image/not-an-image", message: expect.stringMatching(/got text/) as string },
    });
    expect(stderr).toMatch(/text\.jpg: .*got text/);
  });

  test.each<[string, string[], RegExp]>([
    ["no text", [scene("01")], /--texts: expected at least one, got none\. Give -t TEXT/],
    ["an empty text", [scene("01"), "-t", "  "], /text 1 is empty/],
    ["a pattern that matches nothing", ["nothing-*.png", "-t", "a"], /no image found in "nothing-\*\.png"/],
    ["no image on standard input", ["-", "-t", "a"], /no image found in standard input/],
    ["an unknown option", [scene("01"), "-t", "a", "--colour"], /unknown option '--colour'/],
    ["an unknown mode", [scene("01"), "-t", "a", "--compat", "clip"], /Allowed choices are hf, blip, lavis/],
    [
      "a wrong batch size",
      [scene("01"), "-t", "a", "--batch-size", "0"],
      /--batch-size: expected a positive/,
    ],
    ["an unknown type", [scene("01"), "-t", "a", "--dtype", "int4"], /Allowed choices are fp32, fp16, int8/],
    [
      "an unknown device",
      [scene("01"), "-t", "a", "--device", "gpu"],
      /Allowed choices are auto, cpu, webgpu, cuda, coreml, dml/,
    ],
    ["a text that the tokenizer sees nothing of", [scene("01"), "-t", "\u200b"], /text 1 is empty/],
    [
      "a line that the mode leaves nothing of",
      [scene("01"), "-t", "a", "--texts", path("fixtures/lists/bom-line.txt")],
      /bom-line\.txt, line 4 is empty/,
    ],
    [
      "UTF-16",
      [scene("01"), "--texts", path("fixtures/lists/utf16.txt")],
      /UTF-8 text, a line each, got UTF-16/,
    ],
    ["an image as texts", [scene("01"), "--texts", scene("02")], /02\.png, line 1: .*no UTF-8/],
    ["texts in no file", [scene("01"), "--texts", "no-such-file"], /--texts no-such-file/],
    [
      "a line over a bound",
      [scene("01"), "-t", "a", "--texts", path("fixtures/lists/cr.txt"), "--max-text-length", "12"],
      /--texts .*cr\.txt, line 3: expected at most 12 characters, got 13/,
    ],
    [
      "a text of a JSON array over a bound",
      [scene("01"), "--texts", path("fixtures/lists/array.json"), "--max-text-length", "12"],
      /--texts .*array\.json, text 2: expected at most 12 characters, got 13/,
    ],
    // The library names it maxTextLength, and memory.
    [
      "a text over a bound",
      [scene("01"), "-t", "a dog", "--max-text-length", "3"],
      /at most 3 characters, got 5\. Give a shorter one, or raise --max-text-length if/,
    ],
    [
      "a bound that is too small",
      [scene("01"), "-t", "a dog", "--memory", "1"],
      /^blip: --memory: expected at least \d+ MB .*, got 1\. Raise it\. \[usage\/memory-too-small\]$/m,
    ],
  ])("exits with 2 and an empty stdout for %s", async (_what, args, message) => {
    const { code, stdout, stderr } = await blip(["match", ...args, "--json"]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test.each<[string, string, RegExp]>([
    ["a model that is not there", "./nowhere", /no such file or folder/],
    ["a captioning model", tiny("caption"), /It can do: caption/],
    ["a file whose heads cannot be known", tiny("match/model.safetensors"), /--text-heads/],
    ["a picture given as a model", scene("01"), /./],
    ["a model that is not in the cache, offline", "someone/model", /offline/],
  ])("exits with 3 and an empty stdout for %s", async (_what, model, message) => {
    const args = ["match", scene("01"), "-t", "a dog", "--json", "--offline", "--model", model];
    const { code, stdout, stderr } = await blip(args);
    expect(code).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("exits with 3 where a device is not there: the reason, and those that are", async () => {
    // No machine has both.
    const device = process.platform === "darwin" ? "dml" : "coreml";
    const { code, stdout, stderr } = await blip([
      ...["match", scene("01"), "-t", "a dog", "--json", "--quiet", "--device", device],
    ]);
    expect(code).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toMatch(new RegExp(`device ${device} cannot be used: .* Present here: .*cpu\\.`));
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("writes a trace of what ran, and what took longest on stderr", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blip-cli-profile-"));
    try {
      const file = join(folder, "trace.json");
      const { code, stderr } = await blip([
        ...["match", scene("01"), "-t", "a dog", "--json", "--quiet", "--profile", file],
      ]);
      expect(code).toBe(0);
      expect(stderr).toMatch(/^Trace of .*match.* in .*trace\.json\noperator +on +calls +ms +share\n/);
      expect(stderr).toMatch(/^Gemm +CPU +\d+ /m);
      const events = JSON.parse(await readFile(file, "utf8")) as { name: string }[];
      expect(events.map(({ name }) => name)).toContain("model_run");
      const wrong = await blip(["match", scene("01"), "-t", "a", "--profile", join(folder, "no", "t.json")]);
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toMatch(
        /--profile: expected a file that can be written, got .*no.t\.json .*\. Give a file in/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("shows the stack where BLIP_DEBUG asks for it", async () => {
    const { stderr } = await blip(["match", scene("01"), "-t", "a", "--model", "./nowhere"], {
      env: { BLIP_DEBUG: "1" },
    });
    expect(stderr).toMatch(/\n\s+at /);
  });

  test("takes the model that $BLIP_MODEL names, and an original .pth by its folder's config", async () => {
    const env = { BLIP_MODEL: tiny("match-original") };
    const { code, stdout, stderr } = await blip(["match", scene("01"), "-t", "a dog", "--json"], { env });
    expect([code, stderr]).toEqual([0, ""]);
    expect(rowsOf(stdout)).toHaveLength(1);
  });

  test("takes an empty $BLIP_MODEL for none, and refuses an empty option", async () => {
    const call = ["match", scene("01"), "-t", "a dog", "--json"];
    const unset = await blip(call, { env: { BLIP_MODEL: "" } });
    expect(unset.stderr).toContain("Using the embedded model picture-book");
    const env = { BLIP_MODEL: tiny("match-original") };
    for (const option of ["--model", "--adapter", "--profile", "--texts", "--revision"]) {
      const { code, stdout, stderr } = await blip([...call, option, ""], { env });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toBe(
        `blip: ${option}: expected a value, got "". Give one, or leave the option out. [usage/bad-option]\n`,
      );
    }
    // An empty prompt is a prompt.
    const prompted = ["caption", scene("01"), "--prompt", "", "--model", tiny("caption"), "--quiet"];
    expect((await blip(prompted)).code).toBe(0);
  });

  test("says once which words the model lacks, and that the embedded one knows drawings", async () => {
    const photographs = ["astronaut", "coffee"].map((name) => path(`fixtures/images/${name}.jpg`));
    const texts = ["-t", "an astronaut and a wombat", "-t", "a Wombat, please!"];
    const call = ["match", ...photographs, ...texts, "--model", "picture-book", "--json"];
    const { code, stderr } = await blip(call);
    expect(code).toBe(0);
    const [words, drawings, ...more] = stderr.trimEnd().split("\n");
    expect(words).toContain('vocabulary lacks "astronaut", "wombat", "please", in 2 of 2 texts');
    expect(drawings).toContain("knows drawings");
    expect(more).toEqual([]);
    expect((await blip([...call, "--quiet"])).stderr).toBe("");
  });

  test("gives transformers' scores of the example scenes under --compat hf", async () => {
    const golden = JSON.parse(await readFile(path("fixtures/goldens/picture-book.json"), "utf8")) as {
      rows: { image: string; text: string; probability: number; cosine: number }[];
    };
    const [first] = golden.rows;
    if (!first) throw new Error("no golden");
    const args = [
      "match",
      path(`examples/scenes/${first.image}`),
      "-t",
      first.text,
      "--compat",
      "hf",
      "--json",
    ];
    const [row] = rowsOf((await blip(args)).stdout);
    // float32 in another order.
    expect(row?.probability).toBeCloseTo(first.probability, 4);
    expect(row?.cosine).toBeCloseTo(first.cosine, 4);
  });
});

describe("a list of texts", () => {
  test.each(["cr.txt", "array.json"])("%s has two texts", async (file) => {
    const list = path(`fixtures/lists/${file}`);
    const { code, stdout } = await blip(["match", scene("01"), "--texts", list, "--json", "--quiet"]);
    expect(code).toBe(0);
    expect(rowsOf(stdout).map(({ text }) => text)).toEqual(["a red circle", "a blue square"]);
  });
});

describe("blip ask and blip compare", () => {
  const ask = (...args: string[]) =>
    blip(["ask", scene("01"), ...args, "--model", tiny("vqa"), "--json", "--quiet"]);

  test("name the question, the answer or the statement that is empty or too long", async () => {
    const folder = await mkdtemp(join(tmpdir(), "blip-cli-answers-"));
    try {
      const answers = join(folder, "answers.txt");
      await writeFile(answers, "yes\n\nno\n\u200b\n");
      const asked = ["-q", "what is it"];
      expect((await ask(...asked, "-q", "\u200b")).stderr).toMatch(/^blip: question 2 is empty/);
      expect((await ask(...asked, "-q", "is it a dog", "--max-text-length", "10")).stderr).toMatch(
        /^blip: question 2: expected at most 10 characters, got 11/,
      );
      expect((await ask(...asked, "--answers", answers)).stderr).toBe(
        `blip: --answers ${answers}, line 4 is empty: give a sentence [text/empty]\n`,
      );
      const rows = join(folder, "rows.jsonl");
      await writeFile(rows, JSON.stringify({ image: scene("01"), question: "what is it" }));
      const pairs = ["ask", "--pairs", rows, "--answers", answers, "--model", tiny("vqa"), "--json"];
      expect((await blip(pairs)).stderr).toContain(`--answers ${answers}, line 4 is empty`);
    } finally {
      await rm(folder, { recursive: true });
    }
    const statements = ["-s", "both show a dog", "-s", "\u200b"];
    const call = ["compare", scene("01"), scene("02"), ...statements, "--model", tiny("nlvr-original")];
    expect((await blip([...call, "--quiet"])).stderr).toMatch(/^blip: statement 2 is empty/);
  });
});

describe("blip inspect", () => {
  test("says what a checkpoint is, in the contract's fields", async () => {
    const { code, stdout } = await blip(["inspect", tiny("match-original"), "--json"]);
    expect(code).toBe(0);
    const [found, ...others] = JSON.parse(stdout) as Record<string, unknown>[];
    expect(others).toEqual([]);
    expect(Object.keys(found ?? {})).toEqual([
      "format",
      "dialect",
      "architecture",
      "weights",
      "parameters",
      "tasks",
      "missing",
      "warnings",
    ]);
    expect(found).toMatchObject({
      format: "torch-zip",
      dialect: "original",
      parameters: 116_226,
      tasks: ["match", "embed", "retrieve"],
      missing: ["text_decoder", "text_decoder.cls", "cls_head"],
      warnings: [{ code: "fault/special-tokens" }],
    });
  });

  test.each(["match", "match-bin", "match-legacy", "match-sharded", "match-f16-sharded-bin", "caption"])(
    "reads %s for people",
    async (name) => {
      const { code, stdout } = await blip(["inspect", tiny(name)]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^model .*\nformat .*\nparameters +116,\d\d\d\ntasks/);
      // Released vocabularies lack BLIP's own tokens; nothing else is wrong with these files.
      expect(stdout.match(/^warning .*$/gm)).toEqual([
        expect.stringMatching(/fault\/special-tokens: .*\[DEC\] and \[ENC\].* 125 and 126/),
      ]);
    },
  );

  test("prints the graphs of a task", async () => {
    const { stdout } = await blip(["inspect", "picture-book", "--graph", "match"]);
    expect(stdout).toMatch(/^graph image\n/);
    expect(stdout).toMatch(/\n# folded: [^\n]+\ngraph match-folded\n/);
    expect(stdout).toMatch(/\n# cached: [^\n]+\ngraph match-cached\n/);
    expect(stdout).toMatch(/output itm_score = %\d+ : float32 \[B, 2\]/);
    expect((await blip(["inspect", "picture-book", "--graph", "sing"])).code).toBe(2);
    expect((await blip(["inspect", tiny("caption"), "--graph", "match"])).code).toBe(3);
  });
});

describe("blip", () => {
  test("says its version and its verbs", async () => {
    expect(await blip(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
    const { code, stdout } = await blip(["--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/match .*\n(?:.*\n)*.*inspect/);
  });

  test("shows the code of an error and of a warning, under which docs/errors.md explains it", async () => {
    const missing = await blip(["match", "no-such-file.jpg", "--model", "no-such-model", "-t", "a dog"]);
    expect(missing.stderr).toMatch(/^blip: .* \[model\/[a-z-]+\]\n$/s);
    const flag = await blip(["caption", "x.jpg", "--beams", "many"]);
    expect(flag.stderr).toBe('blip: --beams: expected a number, got "many". [usage/bad-option]\n');
    const unknown = await blip(["match", scene("01"), "-t", "xylophone zither quokka"]);
    expect(unknown.stderr).toMatch(/Warning: .* \[text\/unknown-words\]\n/);
  });

  test("exits with 2 for a verb that it does not know", async () => {
    expect((await blip(["sing"])).code).toBe(2);
  });
});
