// Inputs that are made to do harm: what was tried, and the right value beside it. Those that need servers, processes that
// are killed, or full disks stand in `elsewhere`, with the test that holds their value.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  BlipProcessor,
  inspect,
  match,
} from "blip-ts";
import { blip, path, scene, tiny } from "../run-blip.ts";
import { Folder, matched } from "./files.ts";

let folder: Folder;
beforeAll(async () => {
  folder = new Folder(await mkdtemp(join(tmpdir(), "blip-assault-")));
  vi.stubEnv("HF_HOME", folder.at("home"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder.path, { recursive: true, force: true });
});

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error as { code: unknown }).code ?? String(error),
  );

interface TokenizerFile {
  pre_tokenizer: unknown;
  readonly model: { readonly vocab: Record<string, unknown> };
}

/** What loading a model says whose tokenizer.json was changed. */
const withTokenizer = async (change: (file: TokenizerFile) => void) => {
  const model = await folder.model("match", {
    "tokenizer.json": (file: TokenizerFile) => {
      change(file);
      return file;
    },
  });
  return codeOf(match([scene("01")], ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"], { model }));
};

/** The header of safetensors with another text. */
const withHeader = (change: (header: string) => string) => (bytes: Buffer) => {
  const length = Number(bytes.readBigUInt64LE(0));
  const text = Buffer.from(change(bytes.toString("utf8", 8, 8 + length)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, bytes.subarray(8 + length)]);
};

const svg = (attributes: string, inner: string) =>
  `<!--ftypavif--><svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${inner}</svg>`;

/** A row: what was tried, the call, and the right value. */
type Case = readonly [row: string, tried: string, call: () => Promise<unknown>, right: unknown];

const code = (pattern: RegExp) => expect.stringMatching(pattern) as unknown;

const cases: readonly Case[] = [
  [
    "H1",
    "SVG that says avif, one with a filter without end",
    async () => {
      const filter =
        '<filter id="f" x="0" y="0" width="1" height="1"><feMorphology operator="dilate" radius="2000"/></filter>';
      return (
        await matched(tiny("match"), [
          await folder.file(
            "polyglot.avif",
            svg('width="64" height="64"', '<rect width="64" height="64" fill="red"/>'),
          ),
          await folder.file(
            "bomb.avif",
            svg('width="3000" height="3000"', `${filter}<rect width="3000" height="3000" filter="url(#f)"/>`),
          ),
        ])
      ).rows;
    },
    [code(/^image\/(?:not-an-image|unsupported)$/), code(/^image\/(?:not-an-image|unsupported)$/)],
  ],
  [
    "H4",
    "tokenizer.json with a regular expression, ids of 2^31 and of 0.5, pieces of length 0",
    () =>
      Promise.all([
        withTokenizer((file) => {
          file.pre_tokenizer = {
            type: "Split",
            pattern: { Regex: "(a+)+b" },
            behavior: "Removed",
            invert: false,
          };
        }),
        withTokenizer((file) => {
          file.model.vocab["[unused1]"] = 2 ** 31;
        }),
        withTokenizer((file) => {
          file.model.vocab["[unused1]"] = 0.5;
        }),
        withTokenizer((file) => {
          file.pre_tokenizer = { type: "FixedLength", length: 0 };
        }),
      ]),
    Array(4).fill(code(/^tokenizer\//)),
  ],
  [
    "H7",
    "34 bytes of WebP and of GIF that say 178 million pixels",
    async () => {
      const files = [
        "524946461a000000574542505650384c0e0000002ffeffa40a071011fd0f4444ff03",
        "47494638396141344134800000000000ffffff2c00000000413441340002012c003b",
      ];
      const images = await Promise.all(
        files.map((hex, index) => folder.file(`bomb-${index}`, Buffer.from(hex, "hex"))),
      );
      return (await matched(tiny("match"), images)).rows;
    },
    Array(2).fill(code(/^image\/(?:too-large|truncated)$/)),
  ],
  [
    "M10",
    "a dtype that is an object, a config.json 20,000 arrays deep",
    async () => {
      const deep = "[".repeat(20_000) + "]".repeat(20_000);
      const strange = await folder.model(
        "match",
        {},
        withHeader((header) => header.replace('"F32"', '{"toString":1,"valueOf":1}')),
      );
      return [
        await codeOf(inspect(strange)),
        await codeOf(
          BlipProcessor.fromPretrained(await folder.model("match", { "preprocessor_config.json": deep })),
        ),
        await codeOf(
          BlipForImageTextRetrieval.fromPretrained(await folder.model("match", { "config.json": deep })),
        ),
      ];
    },
    ["checkpoint/dtype", "model/bad-json", "model/bad-json"],
  ],
  [
    "M11",
    "generation_config.json with a billion sequences, and numbers for booleans",
    async () => {
      const load = (config: object) =>
        folder
          .model("caption", { "generation_config.json": config })
          .then((model) =>
            codeOf(
              BlipForConditionalGeneration.fromPretrained(model, { compat: "hf", generationConfig: "model" }),
            ),
          );
      return [
        await load({ do_sample: true, num_return_sequences: 1e9 }),
        await load({ do_sample: 1 }),
        await load({ early_stopping: 5 }),
      ];
    },
    Array(3).fill(code(/^[a-z]+\/[a-z-]+$/)),
  ],
  [
    "L5",
    "names and texts with escape sequences",
    async () => {
      const { stdout, stderr } = await blip([
        "match",
        "/none/\u001b]0;x\u0007.png",
        "-t",
        "a\u001b[2Jdog",
        "--model",
        tiny("match"),
      ]);

      return /[\u001b\u0007]/.test(stdout + stderr);
    },
    false,
  ],
  [
    "L7",
    "a text of a megabyte",
    () => codeOf(match([scene("01")], ["a-".repeat(5e5)], { model: tiny("match") })),
    "text/too-long",
  ],
];

describe("an assault", () => {
  test.each(cases)("%s: %s", { timeout: 120_000 }, async (_row, _tried, call, right) => {
    expect(await call()).toEqual(right);
  });
});

/** Rows that need more than a call: the test that holds the right value, by file and title. */
const elsewhere: readonly (readonly [row: string, file: string, title: string])[] = [
  ["H2", "packages/blip/test/serve.slow.test.ts", "all healthy callers are answered"],
  ["H3", "packages/checkpoint/src/torch/zip.test.ts", "stride"],
  ["H5", "packages/blip/test/loads-at-once.slow.test.ts", "share one transfer of each file"],
  ["H6", "packages/blip/src/classes/changed-files.test.ts", "model/changed"],
  ["M1", "packages/blip/test/memory.slow.test.ts", "a photograph of 108 megapixels"],
  ["M2-M5", "packages/blip/test/hub-answers.slow.test.ts", "whatever a hub answers"],
  ["M6", "packages/cli/test/image-names.slow.test.ts", "does not wait for a FIFO in a folder"],
  ["M8", "packages/blip/test/full-disk.slow.test.ts", "ENOSPC"],
  ["M9", "packages/blip/src/platform/node/hub/hostile-names.test.ts", "revision"],
  ["M12-M13", "packages/blip/src/verbs/finite.slow.test.ts", "model/not-finite"],
  ["M15", "packages/blip/test/engine-thread.slow.test.ts", "threads are replaced"],
  ["M16", "packages/blip/src/load/side-files.test.ts", "config.json"],
  ["M17", "packages/blip/test/serve.slow.test.ts", "SIGTERM"],
  ["L3", "packages/blip/test/killed-work.slow.test.ts", "killedKinds"],
];

test.each(elsewhere)("%s is in %s", async (_row, file, title) => {
  expect(await readFile(path(file), "utf8")).toContain(title);
});
