// The verbs over model files: convert, export, quantize write folders; verify runs published samples.
import { cp, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-model-files-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("blip convert", () => {
  test("writes a folder that gives the same numbers, and never over another", async () => {
    const out = join(folder, "converted");
    const made = await blip(["convert", tiny("match-original"), out, "--json", "--quiet"]);
    expect(made.code).toBe(0);
    expect(rowsOf(made.stdout)).toEqual([
      { folder: out, task: "match", architecture: "BlipForImageTextRetrieval", warnings: [] },
    ]);
    const scores = async (model: string) =>
      rowsOf(
        (await blip(["match", scene("01"), "-t", "a dog", "--model", model, ...["--json", "--quiet"]]))
          .stdout,
      );
    expect(await scores(out)).toEqual(await scores(tiny("match-original")));
    const again = await blip(["convert", tiny("match-original"), out]);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/expected no such folder yet/);
  });

  test("asks which task a file of several is to become", async () => {
    const out = join(folder, "captioner");
    const which = await blip(["convert", tiny("pretrain-original"), out]);
    expect(which.code).toBe(2);
    expect(which.stderr).toMatch(/--task: expected one of match, caption/);
    const { code, stdout } = await blip(["convert", tiny("pretrain-original"), out, "--task", "caption"]);
    expect([code, stdout]).toEqual([0, `${out}: BlipForConditionalGeneration (caption)\n`]);
  });
});

describe("blip export", () => {
  test("writes a task's files, and says what each reads and gives", async () => {
    const out = join(folder, "exported");
    const made = await blip(["export", tiny("caption"), out, "--task", "caption"]);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    expect(made.stdout).toContain(`${out}: fp32, ai.onnx 18, com.microsoft 1 (Gelu, MultiHeadAttention)`);
    expect(made.stdout).toMatch(/^ {2}in {2}pixel_values {2}float32 \[B, 3, 32, 32\]$/m);
    expect(made.stdout).toMatch(/^ {2}out present\.L\.key {2}float32 \[R, 4, P\+T, 8\], L = 0 to 2$/m);
    expect((await readdir(out)).sort()).toEqual([
      ...["cross-kv.onnx", "decode.onnx", "export.json", "image.onnx"],
      ...["tokenizer.json", "vocab.txt", "weights.data"],
    ]);
    const again = await blip(["export", tiny("caption"), out, "--task", "caption", "--json"]);
    expect([again.code, again.stdout]).toEqual([2, ""]);
    expect(again.stderr).toMatch(/expected no such folder yet/);
  });

  test("passes on its options", async () => {
    const out = join(folder, "exported-otherwise");
    const options = [
      "--self-contained",
      "--standard-operators",
      "--compat",
      "hf",
      "--image-size",
      "48",
    ].concat(["--dtype", "int8"]);
    const { code, stdout } = await blip(
      ["export", tiny("match"), out, "--task", "retrieve", "--json"].concat(options),
    );
    expect(code).toBe(0);
    const [row] = rowsOf(stdout);
    expect(row).toEqual({
      folder: out,
      ...(JSON.parse(await readFile(join(out, "export.json"), "utf8")) as object),
    });
    expect(row).toMatchObject({
      ...{
        task: "retrieve",
        compat: "hf",
        dtype: "int8",
        data: null,
        contributedOperators: [],
        opset: { "ai.onnx": 18 },
      },
      image: { height: 48, width: 48 },
    });
  });

  test("refuses a task that is none, that is not said, and that the file lacks", async () => {
    const out = join(folder, "not-exported");
    const [none, unsaid, lacking] = await Promise.all([
      blip(["export", tiny("caption"), out, "--task", "translate"]),
      blip(["export", tiny("caption"), out]),
      blip(["export", tiny("caption"), out, "--task", "match"]),
    ]);
    expect([none.code, unsaid.code, lacking.code]).toEqual([2, 2, 3]);
    expect(none.stderr).toMatch(/--task: expected match, retrieve, caption, .*got translate/);
    expect(unsaid.stderr).toMatch(/--task <TASK>/);
    expect(lacking.stderr).toMatch(/It can do: caption/);
  });
});

describe("blip verify", () => {
  test("lists the models of which samples were published for a name that is none of theirs", async () => {
    const { code, stdout, stderr } = await blip(["verify", tiny("vqa"), "--as", "blip-vqa"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/--as: .*blip-vqa-base/);
  });

  test("checks a model of which nothing was published, and never calls it equal", async () => {
    const { code, stdout } = await blip(["verify", tiny("match"), "--json"]);
    expect(code).toBe(0);
    const rows = rowsOf(stdout);
    expect(rows.length).toBeGreaterThan(6);
    for (const row of rows) expect(row).toMatchObject({ verdict: "checked", source: "nothing published" });
    const failed = await blip(["verify", tiny("match"), "--text-heads", "3", "--json"]);
    expect(failed.code).toBe(1);
    expect(rowsOf(failed.stdout).filter(({ verdict }) => verdict === "failed")).not.toHaveLength(0);
  });

  test("takes a model or --all, and with --all nothing that is about one model", async () => {
    const both = await blip(["verify", tiny("match"), "--all"]);
    const neither = await blip(["verify"]);
    const one = await blip(["verify", "--all", "--revision", "main"]);
    expect([both, neither, one].map(({ code, stdout }) => [code, stdout])).toEqual([
      [2, ""],
      [2, ""],
      [2, ""],
    ]);
    expect(both.stderr).toMatch(/got both/);
    expect(neither.stderr).toMatch(/got neither/);
    expect(one.stderr).toMatch(/--all: expected .*, got --revision beside it/);
  });

  test("skips samples whose pictures are not at hand, and is then no success", async () => {
    const { code, stdout, stderr } = await blip(["verify", tiny("vqa"), "--as", "blip-vqa-base", "--json"]);
    expect(code).toBe(1);
    expect(rowsOf(stdout).map(({ verdict }) => verdict)).toEqual(["skipped", "skipped"]);
    expect(stderr).toMatch(/2 of the samples could not be run: .*--images DIR.*--fetch/);
  });

  test("refuses a folder of pictures that is not there", async () => {
    const nowhere = join(folder, "nowhere");
    const missing = await blip(["verify", tiny("vqa"), "--as", "blip-vqa-base", "--images", nowhere]);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toMatch(/--images .*nowhere: expected a folder/);
  });

  test("finds another model out", async () => {
    await cp(scene("01"), join(folder, "demo.jpg"));
    await cp(scene("02"), join(folder, "000000039769.jpg"));
    const args = ["verify", tiny("vqa"), "--as", "blip-vqa-base", "--images", folder, "--json"];
    const { code, stdout } = await blip(args);
    expect(code).toBe(1);
    for (const row of rowsOf(stdout)) expect(row).toMatchObject({ verdict: "different" });
  });
});

describe("blip quantize", () => {
  test("writes a folder that other verbs take with no option, and says of which type", async () => {
    const out = join(folder, "quantized");
    const made = await blip(["quantize", tiny("match"), out, "--json", "--quiet"]);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(rowsOf(made.stdout)).toEqual([
      { folder: out, task: "match", architecture: "BlipForImageTextRetrieval", dtype: "int8", warnings: [] },
    ]);
    expect((await blip(["inspect", out])).stdout).toMatch(/safetensors, huggingface names, int8 weights/);
    const rows = await blip(["match", scene("01"), "-t", "a dog", "--model", out, "--json", "--quiet"]);
    expect(rowsOf(rows.stdout)).toHaveLength(1);
    const refused = await blip([
      "match",
      scene("01"),
      "-t",
      "a dog",
      "--model",
      out,
      "--dtype",
      "fp32",
      "--json",
    ]);
    expect(refused).toMatchObject({ code: 2, stdout: "" });
    expect(refused.stderr).toMatch(/holds 8-bit weights, expected int8, got fp32/);
  });

  test("compares with the original on pictures, and finds them before anything is written", async () => {
    const out = join(folder, "checked");
    const none = await blip(["quantize", tiny("match"), out, "--check", "nothing-*.png"]);
    expect(none).toMatchObject({ code: 2, stdout: "" });
    const args = [
      "--check",
      scene("01"),
      "--check",
      scene("02"),
      "-t",
      "a dog",
      "-t",
      "a cat",
      "-t",
      "a sheep",
    ];
    const made = await blip(["quantize", tiny("match"), out, ...args, "--json", "--quiet"]);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const [row] = rowsOf(made.stdout);
    expect(row?.accuracy).toMatchObject([
      { measure: "ITM logit", compared: 12, same: null },
      { measure: "ITM probability", compared: 6 },
      { measure: "cosine", compared: 6 },
      { measure: "best text of an image, ITM and cosine", compared: 2, largest: null },
      { measure: "best text of an image, cosine", compared: 2 },
    ]);
    const [logits] = row?.accuracy as { largest: number; mean: number }[];
    // 8 bits through two random layers of width 32; the mean is over more than the largest.
    expect(logits?.largest).toBeGreaterThan(0);
    expect(logits?.largest).toBeLessThan(0.1);
    expect(logits?.mean).toBeLessThan(logits?.largest ?? 0);
  });

  test.each([
    ["is no picture", path("fixtures/images/text.jpg"), /text\.jpg: expected an image .* got text/],
    ["ends too early", path("fixtures/images/truncated.jpg"), /truncated\.jpg: expected a whole image/],
    ["is not there", "nowhere.png", /nowhere\.png: expected the file of an image/],
  ])("refuses a picture to compare with that %s, before anything is written", async (_what, bad, message) => {
    const out = join(folder, "unreadable");
    const checked = ["--check", scene("01"), "--check", bad, "--quiet"];
    const { code, stdout, stderr } = await blip(["quantize", tiny("match"), out, ...checked]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^blip: --check: /);
    expect(stderr).toMatch(message);
    expect((await blip(["inspect", out])).code).toBe(3);
  });

  test("refuses texts where nothing is compared, before anything is written", async () => {
    const out = join(folder, "unchecked");
    for (const texts of [
      ["-t", "a dog"],
      ["--texts", path("README.md")],
    ]) {
      const refused = await blip(["quantize", tiny("match"), out, ...texts]);
      expect(refused).toMatchObject({ code: 2, stdout: "" });
      expect(refused.stderr).toMatch(/--check/);
    }
    expect((await blip(["inspect", out])).code).toBe(3);
  });

  test("is not needed: --dtype converts the weights of any model, says so once, and prints the graph", async () => {
    const home = process.env.HF_HOME;
    process.env.HF_HOME = join(folder, "home");
    try {
      const run = () =>
        blip(["match", scene("01"), "-t", "a dog", "--model", tiny("match"), "--dtype", "int8"]);
      expect((await run()).stderr).toMatch(
        /^Converting the weights of .*match to int8, to be kept for the next time\n$/,
      );
      expect((await run()).stderr).toBe("");
    } finally {
      if (home === undefined) delete process.env.HF_HOME;
      else process.env.HF_HOME = home;
    }
    const alone = await blip(["inspect", tiny("match"), "--dtype", "int8"]);
    expect(alone).toMatchObject({ code: 2, stdout: "" });
    expect(alone.stderr).toMatch(/--dtype: expected --graph TASK beside it/);
    const printed = await blip(["inspect", tiny("match"), "--graph", "match", "--dtype", "int8"]);
    expect(printed.stdout).toMatch(/quantizedLinear\(.*\.weight\.int8, \.weight\.scale, .*activations=row\)/);
  });
});
