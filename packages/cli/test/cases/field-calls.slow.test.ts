// Cases from the field of texts, tokenizers and the library's calls: what was tried, and the right value beside it.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Batched, BlipProcessor, match, Matcher } from "blip-ts";
import { blip, path, rowsOf, scene, tiny } from "../run-blip.ts";
import { caseFolder, containing, type Case } from "./field.ts";
import { said, seen } from "./files.ts";

const folder = caseFolder();

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error as { code: unknown }).code ?? (error as Error).name,
  );

const cases: readonly Case[] = [
  [
    "F12",
    "texts in UTF-16, and an image for texts",
    async () => [
      await said("match", scene("01"), "--texts", path("fixtures/lists/utf16.txt"), "--model", tiny("match")),
      await said("match", scene("01"), "--texts", scene("02"), "--model", tiny("match")),
      await said(
        "match",
        scene("01"),
        "-t",
        "a",
        "--texts",
        path("fixtures/lists/bom-line.txt"),
        "--model",
        tiny("match"),
      ),
      await codeOf(match([scene("01")], ["\u200b"], { model: tiny("match") })),
    ],
    [
      { code: 2, said: containing("UTF-16") },
      { code: 2, said: containing("UTF-8") },
      { code: 2, said: containing("line 4 is empty") },
      "text/empty",
    ],
  ],
  [
    "F17",
    "a signal that is aborted before and while a model loads",
    async () => {
      const controller = new AbortController();
      const loading = codeOf(
        Matcher.fromPretrained(tiny("match"), { signal: controller.signal }).catch((error: unknown) =>
          Promise.reject(error as Error),
        ),
      );
      controller.abort();
      const reason = (error: unknown) => (error as Error).name;
      return [
        await Matcher.fromPretrained(tiny("match"), { signal: AbortSignal.abort() }).then(
          () => "loaded",
          reason,
        ),
        await loading,
      ];
    },
    ["AbortError", 20],
  ],
  [
    "F18",
    "50 calls with one signal, and 50 requests",
    async () => {
      const warnings: string[] = [];
      const onWarning = (warning: Error) => void warnings.push(warning.name);
      process.on("warning", onWarning);
      const { signal } = new AbortController();
      const matcher = await Matcher.fromPretrained(tiny("match"));
      const batched = new Batched({ matcher }, { isolate: false });
      const call = async () => {
        const rows = [];
        for await (const row of matcher.match([scene("01")], ["a dog"], { signal })) rows.push(row);
        return rows.length + (await batched.match(scene("01"), ["a dog"], { signal })).length;
      };
      const counts = await Promise.all(Array.from({ length: 50 }, call));
      await batched.close();
      await matcher.close();
      process.off("warning", onWarning);
      return [counts.reduce((sum, count) => sum + count, 0), warnings];
    },
    [100, []],
  ],
  [
    "F20",
    "tokenizer_config.json that keeps capitals or accents, and truncation in tokenizer.json: read as transformers reads them",
    async () => {
      type TokenizerFile = Record<string, unknown> & { readonly normalizer: object };
      const idsWith = async (sideFiles: Readonly<Record<string, unknown>>) => {
        const model = await folder.model("match", sideFiles);
        const { textProcessor } = await BlipProcessor.fromPretrained(model, {
          compat: "hf",
          onWarning: () => undefined,
        });
        return Array.from(textProcessor.encode(["A É a"]).inputIds.data, Number).slice(1, -1);
      };
      const config = (more: object) => ({
        "tokenizer_config.json": (file: Record<string, unknown>) => ({ ...file, ...more }),
      });
      const file = (change: (json: TokenizerFile) => object) => ({ "tokenizer.json": change });
      return [
        await idsWith({}),
        await idsWith(config({ do_lower_case: false })),
        await idsWith(config({ strip_accents: false })),
        await idsWith(file((json) => ({ ...json, normalizer: { ...json.normalizer, lowercase: false } }))),
        await idsWith(
          file((json) => ({
            ...json,
            truncation: { direction: "Right", max_length: 3, strategy: "LongestFirst", stride: 0 },
          })),
        ),
      ];
    },
    // 1 is [UNK], 5 is "a", 9 is "e". BERT's fast tokenizer takes the rules from its config, which lowercases by default,
    // and each call of transformers sets truncation anew.
    [
      [5, 9, 5],
      [1, 1, 5],
      [5, 1, 5],
      [5, 9, 5],
      [5, 9, 5],
    ],
  ],
  [
    "F21",
    "generation_config.json under `hf`: not read, as transformers does not for BLIP",
    async () => {
      const model = await folder.model("caption", {
        "generation_config.json": { repetition_penalty: 5, num_beams: 3, no_repeat_ngram_size: 1 },
      });
      const caption = async (from: string) =>
        rowsOf(
          (await blip(["caption", scene("01"), "--json", "--quiet", "--compat", "hf", "--model", from]))
            .stdout,
        ).map((row) => row.caption);
      return JSON.stringify(await caption(model)) === JSON.stringify(await caption(tiny("caption")));
    },
    true,
  ],
  [
    "F27",
    "a detached buffer, a string for a list, an undefined text",
    async () => {
      const detached = Uint8Array.from(await readFile(scene("01")));
      structuredClone(detached.buffer, { transfer: [detached.buffer] });
      const model = { model: tiny("match") };
      const untyped = (value: unknown) => value as string[];
      const rows = await match([detached], ["a dog"], model);
      return [
        ...rows.map((row) => seen({ ...row }, () => "scored")),
        await codeOf(match(untyped(scene("01")), ["a dog"], model)),
        await codeOf(match([scene("01")], untyped([undefined]), model)),
      ];
    },
    ["image/unreachable", expect.stringMatching(/^usage\//), expect.stringMatching(/^(?:usage|text)\//)],
  ],
  [
    "F29",
    "capital Greek that ends in sigma, CJK above U+FFFF",
    async () => {
      const { textProcessor } = await BlipProcessor.fromPretrained(tiny("match"), { compat: "hf" });
      const ids = (text: string) => Array.from(textProcessor.encode([text]).inputIds.data, Number);
      // A tiny vocabulary has neither: as many unknown words as transformers counts.
      return [ids("\u039f\u0394\u039f\u03a3").length, ids("\u{20000}\u{20001}").length];
    },
    [3, 4],
  ],
];

describe("a case from the field", () => {
  test.each(cases)("%s: %s", { timeout: 120_000 }, async (_row, _tried, call, right) => {
    expect(await call()).toEqual(right);
  });
});
