// The verbs over pictures beside `match`: fields, places of pictures, failures, refusals; each over the tiny checkpoint
// that does its task.
import { createServer, type Server } from "node:http";
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Captioner } from "blip-ts";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addGenerationOptions, generationOptions } from "../src/generation-options.ts";
import { blip, path, rowsOf, scene, tiny } from "./run-blip.ts";

const broken = path("fixtures/images/text.jpg");

let folder = "";
let server: Server;
let address = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-verbs-"));
  const picture = await readFile(scene("01"));
  server = createServer((_request, response) => response.setHeader("content-type", "image/png").end(picture));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((closed) => server.close(closed));
  await rm(folder, { recursive: true, force: true });
});

/** Each verb over pictures, how it is called, and the fields of its rows. */
const verbs: readonly (readonly [
  verb: string,
  model: string,
  args: readonly string[],
  fields: readonly string[],
])[] = [
  ["caption", "caption", [], ["image", "caption", "tokens", "logProbability"]],
  [
    "caption",
    "pretrain-original",
    ["--score", "--max-length", "9"],
    ["image", "caption", "tokens", "logProbability", "match"],
  ],
  ["ask", "vqa", ["-q", "is there a dog?"], ["image", "question", "answer", "tokens", "score"]],
  ["embed", "match", [], ["image", "embedding"]],
  ["retrieve", "match", ["-t", "a dog", "--by", "image"], ["image", "hits"]],
];

describe.each(verbs)("blip %s, a verb over pictures (%s)", (verb, model, args, fields) => {
  const run = (given: readonly string[], stdin?: string) =>
    blip(
      [verb, ...given, ...args, "--model", tiny(model), "--json", "--quiet"],
      stdin === undefined ? {} : { stdin },
    );
  const images = async (given: readonly string[], stdin?: string) => {
    const { code, stdout } = await run(given, stdin);
    expect(code).toBe(0);
    return rowsOf(stdout).map(({ image }) => image);
  };

  test("has the contract's fields", async () => {
    const { stdout, stderr } = await run([scene("01")]);
    const [row] = rowsOf(stdout);
    expect(Object.keys(row ?? {})).toEqual(fields);
    expect(stderr).toBe("");
  });

  test("takes folders, patterns, addresses and standard input", async () => {
    const names = (await readdir(path("examples/scenes"))).filter((name) => name.endsWith(".png")).sort();
    expect(await images([path("examples/scenes")])).toEqual(
      names.map((name) => path(`examples/scenes/${name}`)),
    );
    expect(await images([path("examples/scenes/0[12].png")])).toEqual([scene("01"), scene("02")]);
    expect(await images([`${address}/some.png`])).toEqual([`${address}/some.png`]);
    expect(await images(["-"], `${scene("03")}\n${scene("01")}\n`)).toEqual([scene("03"), scene("01")]);
  });

  test("keeps going after a broken file, says so in its row, and exits with 1", async () => {
    const { code, stdout } = await run([scene("01"), broken, scene("02")]);
    expect(code).toBe(1);
    const rows = rowsOf(stdout);
    expect(rows.map(({ image }) => image)).toEqual([scene("01"), broken, scene("02")]);
    expect(rows[1]).toEqual({
      image: broken,
      error: { code: "image/not-an-image", message: expect.stringMatching(/got text/) as string },
    });
    expect(Object.keys(rows[2] ?? {})).toEqual(fields);
  });

  test("prints a table for people, with what failed on stderr", async () => {
    const { stdout, stderr } = await blip([verb, scene("01"), broken, ...args, "--model", tiny(model)]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(3);
    expect(lines.join("\n")).toMatch(/text\.jpg +\(image\/not-an-image\)/);
    expect(stderr).toMatch(/text\.jpg: .*got text/);
  });

  test("shows how many pictures are done where a person looks on, and not with --quiet", async () => {
    const call = [verb, scene("01"), broken, scene("02"), ...args, "--model", tiny(model), "--json"];
    const { stdout, stderr } = await blip([...call, "--batch-size", "1"], { screen: true });
    // The bar is drawn ten times a second at most: only its ends are sure to be seen.
    expect(stderr).toMatch(/images \[-+\] 0\/3 /);
    expect(stderr).toMatch(/images \[=+\] 3\/3 /);
    // What failed stands in a line of its own, which the bar was wiped from.
    expect(stderr).toMatch(/\x1b\[2K[^[\n]*text\.jpg: .*got text.*\n/);
    expect(rowsOf(stdout)).toHaveLength(3);
    expect((await blip([...call, "--quiet"], { screen: true })).stderr).toBe("");
  });

  test("exits with 2 where there is no image, with 3 where the model cannot do the task", async () => {
    const nothing = await blip([verb, path("nothing-*.png"), ...args, "--model", tiny(model)]);
    expect([nothing.code, nothing.stdout]).toEqual([2, ""]);
    expect(nothing.stderr).toMatch(/no image found/);
    const other = await blip([verb, scene("01"), ...args, "--model", tiny("nlvr-original"), "--json"]);
    expect([other.code, other.stdout]).toEqual([3, ""]);
    expect(other.stderr).toMatch(/It can do: compare/);
  });
});

test.each<[string, string, string[]]>([
  ["match", "match", [scene("01"), "-t", "a dog", "--json"]],
  ["caption", "caption", [scene("01"), "--json"]],
  ["ask", "vqa", [scene("01"), "-q", "is there a dog?", "--json"]],
  ["compare", "nlvr-original", [scene("01"), scene("02"), "-s", "both show a dog", "--json"]],
  ["embed", "match", [scene("01"), "--json"]],
  ["retrieve", "match", [scene("01"), "-t", "a dog", "--json"]],
  ["export", "match", ["--task", "match"]],
])("blip %s refuses pictures that are smaller than a patch of the model", async (verb, model, args) => {
  const source =
    verb === "export" ? [tiny(model), join(folder, "small")] : ["--model", tiny(model), "--quiet"];
  const { code, stdout, stderr } = await blip([verb, ...args, ...source, "--image-size", "7"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(
    /^blip: --image-size: expected a whole number of 8 \(a patch of this model\) to 2048 pixels, (got|found) 7.* \[[a-z-]+\/[a-z-]+\]\n$/,
  );
});

describe("blip caption", () => {
  const caption = (...args: string[]) => blip(["caption", scene("01"), "--json", "--quiet", ...args]);

  test("passes on every option of generation", async () => {
    const flags = {
      ...{ beams: 2, topP: 0.5, topK: 3, temperature: 1.5, seed: 7, numReturn: 2 },
      ...{ maxLength: 9, minLength: 4, repetitionPenalty: 1.5, noRepeatNgram: 1 },
    };
    const argsOf = (options: object) =>
      Object.entries(options).flatMap(([name, value]) => {
        const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
        return value === true ? [flag] : [flag, String(value)];
      });
    const command = addGenerationOptions(new Command());
    command.parse(["--sample", ...argsOf(flags)], { from: "user" });
    expect(generationOptions(command.opts())).toEqual({ sample: true, ...flags });
    expect(generationOptions(addGenerationOptions(new Command()).parse([], { from: "user" }).opts())).toEqual(
      {},
    );
    // And from the command line to the rows, once for a search and once for draws.
    await using captioner = await Captioner.fromPretrained(tiny("caption"), { imageSize: 48 });
    const { topP, topK, temperature, seed, numReturn, maxLength } = flags;
    const [searched, drawn] = [
      { beams: 2, numReturn, maxLength, minLength: 9, repetitionPenalty: 1.5, noRepeatNgram: 1 },
      { sample: true, topP, topK, temperature, seed, numReturn, maxLength },
    ];
    for (const options of [searched, drawn]) {
      const expected: unknown[] = [];
      for await (const row of captioner.caption([scene("01")], { ...options, prompt: "a dog" }))
        expected.push(row);
      const call = [
        "--model",
        tiny("caption"),
        "--image-size",
        "48",
        "--prompt",
        "a dog",
        ...argsOf(options),
      ];
      expect(rowsOf((await caption(...call)).stdout)).toEqual(expected);
      expect(expected).toHaveLength(numReturn);
    }
  });

  test("begins with BLIP's own prompt, with another one, or with none", async () => {
    const begins = async (...args: string[]) => {
      const [row] = rowsOf((await caption("--model", tiny("caption"), "--max-length", "6", ...args)).stdout);
      return (row?.tokens as number[] | undefined)?.slice(1, 4);
    };
    const plain = await begins();
    expect(await begins("--prompt", "a picture of")).toEqual(plain);
    expect(await begins("--prompt", "")).not.toEqual(plain);
  });

  test("scores by another model's matching heads", async () => {
    const args = ["--model", tiny("caption"), "--match-model", tiny("match"), "--max-length", "8"];
    const { code, stdout } = await caption(...args);
    expect(code).toBe(0);
    const [row] = rowsOf(stdout);
    expect(row?.match).toBeGreaterThan(0);
    expect(row?.match).toBeLessThan(1);
  });

  test("--score is what `match` says of the caption", async () => {
    const model = ["--model", tiny("pretrain-original")];
    const rows = rowsOf(
      (await caption(...model, "--score", "--max-length", "9", "--num-return", "2")).stdout,
    );
    expect(rows).toHaveLength(2);
    // Random weights may also give an empty caption, which has no score.
    const told = rows.filter((row) => row.caption !== "");
    expect(told).not.toEqual([]);
    for (const row of told) {
      const text = ["-t", String(row.caption), ...model, "--json", "--quiet"];
      const [matched] = rowsOf((await blip(["match", scene("01"), ...text])).stdout);
      // The same texts in batches of other lengths: float32 in another order.
      expect(row.match).toBeCloseTo(matched?.probability as number, 5);
    }
  });

  test.each<[string, number, string[], RegExp]>([
    ["beams below 1", 2, ["--beams", "0"], /--beams: expected 1 to 8, got 0/],
    ["beams that are no number", 2, ["--beams", "three"], /--beams: expected a number, got "three"/],
    ["a prompt without room", 2, ["--prompt", "two red cars and the dog", "--max-length", "4"], /prompt/],
    [
      "a prompt longer than the position table",
      2,
      ["--prompt", Array.from({ length: 600 }, () => "dog").join(" "), "--compat", "hf"],
      /positions|position table/,
    ],
    ["samples of beams", 2, ["--sample", "--beams", "3"], /--beams: expected 1 .*--sample.*got 3\. /],
    ["scores without matching heads", 3, ["--score"], /cannot do "match".*It can do: caption/],
    ["NLVR2 weights", 3, ["--model", tiny("nlvr-original")], /cannot do "caption".*It can do: compare/],
  ])("refuses %s", async (_what, expected, args, message) => {
    const { code, stdout, stderr } = await caption("--model", tiny("caption"), ...args);
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("blip ask", () => {
  const ask = (...args: string[]) =>
    blip(["ask", scene("01"), "-q", "is there a dog?", "--model", tiny("vqa"), "--json", ...args]);
  const listed = async (name: string, content: string) => {
    await writeFile(join(folder, name), content);
    return ["--answers", join(folder, name)];
  };

  test("chooses from a list, a line each or as a JSON array", async () => {
    const answers = ["a dog", "two red cars", "a cat"];
    const lines = rowsOf((await ask(...(await listed("lines.txt", `${answers.join("\n")}\n`)))).stdout);
    const array = rowsOf((await ask(...(await listed("list.json", JSON.stringify(answers))))).stdout);
    expect(answers).toContain(lines[0]?.answer);
    expect(array).toEqual(lines);
    const one = rowsOf((await ask(...(await listed("lines.txt", answers.join("\n"))), "-k", "1")).stdout);
    expect(answers).toContain(one[0]?.answer);
  });

  test.each<[string, string | undefined, string[], RegExp]>([
    ["an empty list of answers", "\n\n", [], /--answers: expected at least one, got none\. Give a list/],
    ["an empty JSON array", "[]", [], /--answers: expected at least one, got none\. Give a list/],
    ["an array of numbers", "[1, 2]", [], /expected a JSON array of texts/],
    ["k of nothing", undefined, ["-k", "3"], /-k: expected --answers FILE beside it/],
    ["a k below 1", "a\nb", ["-k", "0"], /k: expected/],
    ["beams below 1, with a list too", "a\nb", ["--beams", "0"], /--beams: expected 1 to 8, got 0/],
    [
      "options of generation beside a list",
      "a\nb",
      ["--beams", "2", "--num-return", "2"],
      /--beams, --num-return: expected none with a list of answers.*--answers/,
    ],
    ["a file that is not there", undefined, ["--answers", "no-such-file"], /--answers no-such-file/],
    ["an empty question", undefined, ["-q", " "], /question 2 is empty/],
  ])("refuses %s", async (_what, list, args, message) => {
    const { code, stdout, stderr } = await ask(
      ...(list === undefined ? [] : await listed("wrong.txt", list)),
      ...args,
    );
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
  });

  test("refuses a call without a question", async () => {
    const { code, stderr } = await blip(["ask", scene("01"), "--model", tiny("vqa")]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/-q: expected at least one, got none\. Give -q QUESTION/);
  });
});

describe("blip compare", () => {
  const model = ["--model", tiny("nlvr-original"), "--json", "--quiet"];

  test("judges statements about a left and a right picture", async () => {
    const run = async (...images: string[]) =>
      rowsOf((await blip(["compare", ...images, "-s", "a dog", "-s", "two cats", ...model])).stdout);
    const rows = await run(scene("01"), scene("02"));
    expect(rows.map((row) => Object.keys(row))).toEqual(
      Array.from({ length: 2 }, () => ["images", "statement", "label", "probability"]),
    );
    expect(rows[0]).toMatchObject({ images: [scene("01"), scene("02")], statement: "a dog" });
    for (const { label, probability } of rows) expect(label).toBe((probability as number) > 0.5);
    const [turned] = await run(scene("02"), scene("01"));
    expect(turned?.probability).not.toBe(rows[0]?.probability);
  });

  test("says which picture is broken", async () => {
    const { code, stdout } = await blip(["compare", scene("01"), broken, "-s", "a dog", ...model]);
    expect(code).toBe(1);
    expect(rowsOf(stdout)).toEqual([
      { image: broken, error: expect.objectContaining({ code: "image/not-an-image" }) as unknown },
    ]);
  });

  test("refuses one picture, three pictures and no statement", async () => {
    expect((await blip(["compare", scene("01"), "-s", "a dog", ...model])).code).toBe(2);
    const three = [scene("01"), scene("02"), scene("03")];
    expect((await blip(["compare", ...three, "-s", "a dog", ...model])).code).toBe(2);
    expect((await blip(["compare", scene("01"), scene("02"), ...model])).code).toBe(2);
  });
});

describe("blip embed", () => {
  test("finds a text that is too long before it prints any picture's row", async () => {
    const args = [scene("01"), "-t", "dog ".repeat(100), "--compat", "hf", "--jsonl", "--quiet"];
    const { code, stdout, stderr } = await blip(["embed", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/at most 64 tokens \(the model's positions\), got 102/);
  });

  test("embeds pictures, then texts, at unit length", async () => {
    const { stdout } = await blip(["embed", scene("01"), "-t", "a dog", "-t", "a cat", "--json", "--quiet"]);
    const rows = rowsOf(stdout);
    expect(rows.map((row) => row.image ?? row.text)).toEqual([scene("01"), "a dog", "a cat"]);
    for (const { embedding } of rows)
      expect((embedding as number[]).reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
  });

  test("embeds texts without pictures, and gives all states where they are asked for", async () => {
    const { code, stdout } = await blip(["embed", "-t", "a dog", "--states", "--json", "--quiet"]);
    expect(code).toBe(0);
    // [CLS] a dog [SEP]
    expect(rowsOf(stdout)[0]?.embedding).toHaveLength(4);
    expect((await blip(["embed"])).code).toBe(2);
  });
});

describe("blip retrieve", () => {
  const quiet = ["--json", "--quiet"];

  test("ranks pictures for each text; what ITM did not look at has no rank score", async () => {
    const texts = ["-t", "a lemon to the right of a light bulb", "-t", "there is a fire truck in the desert"];
    const { stdout } = await blip(["retrieve", path("examples/scenes"), ...texts, "-k", "2", ...quiet]);
    const rows = rowsOf(stdout) as unknown as { text: string; hits: Record<string, unknown>[] }[];
    expect(rows.map(({ text }) => text)).toEqual([texts[1], texts[3]]);
    expect(rows.map(({ hits }) => hits[0]?.image)).toEqual([scene("01"), scene("02")]);
    for (const { hits } of rows) {
      expect(hits).toHaveLength(12);
      expect(Object.keys(hits[0] ?? {})).toEqual(["image", "cosine", "logits", "rankScore"]);
      expect(hits.map(({ rankScore }) => rankScore === null)).toEqual(hits.map((_, place) => place >= 2));
    }
  });

  test("takes folders of frames as videos", async () => {
    const video = join(folder, "video");
    await cp(path("examples/scenes"), video, { recursive: true });
    const args = ["retrieve", video, scene("03"), "-t", "a sheep", "--frames", ...quiet];
    const [row] = rowsOf((await blip(args)).stdout) as unknown as { hits: { image: string }[] }[];
    expect(row?.hits.map(({ image }) => image).sort()).toEqual([video, scene("03")].sort());
    const empty = await mkdtemp(join(folder, "empty-"));
    const none = await blip(["retrieve", empty, "-t", "a", "--frames"]);
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/expected a folder of frames, got none/);
  });
});
