// Cases from the field, F01 to F29: what was tried, and the right value beside it. A case of texts or of the library's
// calls stands in field-calls.slow.test.ts, and one that needs a browser, a server, another runtime or a package's
// consumer in another file; `elsewhere` has the test that holds its value.
import { execFileSync, spawnSync } from "node:child_process";
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { blip, path, rowsOf, scene, tiny } from "../run-blip.ts";
import { caseFolder, containing, type Case } from "./field.ts";
import { matched } from "./files.ts";

const folder = caseFolder();

const image = (name: string) => path(`fixtures/images/${name}`);
const command = path("packages/blip/bin/blip.js");
const node = (...args: readonly string[]) => spawnSync(process.execPath, args, { encoding: "utf8" });

const half = { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5] };

const cases: readonly Case[] = [
  [
    "F01",
    "a caption in half precision, which failed where Float16Array is",
    async () => {
      const args = ["caption", scene("01"), "--json", "--quiet", "--model", tiny("caption"), "--dtype"];
      const rows = await Promise.all(
        ["fp32", "fp16"].map(async (dtype) => rowsOf((await blip([...args, dtype])).stdout)),
      );
      return rows.map(([row]) => row?.caption);
    },
    ["sggcgggg r r rcgggg", "sggcgggg r r rcgggg"],
  ],
  [
    "F02",
    "an engine without Symbol.asyncDispose",
    () => {
      const without = path("packages/base/test/without-dispose.mjs");
      const { status, stdout } = node(
        "--import",
        without,
        command,
        "match",
        scene("01"),
        "-t",
        "a dog",
        "--json",
        "--quiet",
        "--model",
        tiny("match"),
      );
      return [status, rowsOf(stdout).length];
    },
    [0, 1],
  ],
  [
    "F03",
    "processor_config.json alone, and beside another preprocessor_config.json: both as that of its values",
    async () => {
      const config = JSON.parse(
        await readFile(join(tiny("match"), "preprocessor_config.json"), "utf8"),
      ) as object;
      const own = { "processor_config.json": { image_processor: { ...config, ...half } } };
      const folders = await Promise.all([
        folder.model("match", { "preprocessor_config.json": { ...config, ...half } }),
        folder.model("match", { ...own, "preprocessor_config.json": undefined }),
        folder.model("match", own),
      ]);
      const [expected, ...found] = await Promise.all(
        folders.map((model) => matched(model, [scene("01")], ["--compat", "hf"])),
      );
      const plain = await matched(tiny("match"), [scene("01")], ["--compat", "hf"]);
      return [expected?.rows, ...found.map(({ rows }) => rows), plain.rows].map(
        (rows) => JSON.stringify(rows) === JSON.stringify(expected?.rows),
      );
    },
    [true, true, true, false],
  ],
  [
    "F04",
    "weights with an infinity",
    async () => {
      const model = await folder.model("match", {}, (bytes) => {
        const length = Number(bytes.readBigUInt64LE(0));
        type Header = Record<string, { readonly data_offsets: readonly number[] }>;
        const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Header;
        bytes.writeFloatLE(Infinity, 8 + length + (header["itm_head.bias"]?.data_offsets[0] ?? NaN));
        return bytes;
      });
      const { code, rows } = await matched(model);
      return { code, rows };
    },
    { code: 1, rows: ["model/not-finite"] },
  ],
  [
    "F05",
    "names with brackets that are missing, as arguments and as lines",
    async () => {
      await copyFile(scene("01"), folder.at("img1.png"));
      const names = ["img(1).png", "typo [2].png"].map((name) => folder.at(name));
      const [given, listed] = [
        await matched(tiny("match"), [...names, scene("01")]),
        await matched(tiny("match"), ["-"], [], names.join("\n")),
      ];
      return [given, listed].map(({ code, rows }) => [
        code,
        rows.map((row) => (typeof row === "string" ? row : "scored")),
      ]);
    },
    [
      [1, ["image/not-found", "image/not-found", "scored"]],
      [1, ["image/not-found", "image/not-found"]],
    ],
  ],
  [
    "F07",
    "PNG and WebP that are stored turned: upright under `blip`, as stored under `hf`",
    async () => {
      const row = async (file: string, compat: string) =>
        JSON.stringify((await matched(tiny("match"), [file], ["--compat", compat])).rows);
      const same = ["png-o6.png", "webp-o6.webp"].map(async (name) => {
        const stored = image(`kinds/${name}`);
        const [turned, bare] = [folder.at(`${name}-turned.png`), folder.at(`${name}-bare.png`)];
        // A rotation that is said leaves EXIF aside, and no EXIF is written.
        await sharp(stored).rotate(90).png().toFile(turned);
        await sharp(stored).png().toFile(bare);
        return [
          (await row(stored, "blip")) === (await row(turned, "blip")),
          (await row(stored, "hf")) === (await row(bare, "hf")),
          (await row(stored, "blip")) === (await row(bare, "blip")),
        ];
      });
      return Promise.all(same);
    },
    [
      [true, true, false],
      [true, true, false],
    ],
  ],
  [
    "F08",
    "a FIFO in a folder",
    async () => {
      await mkdir(folder.at("fifo"));
      execFileSync("mkfifo", [folder.at("fifo", "b.png")]);
      const { code, rows, stderr } = await matched(tiny("match"), [folder.at("fifo")]);
      return { code, rows, stderr };
    },
    { code: 1, rows: ["image/not-found"], stderr: "" },
  ],
  [
    "F09, F10",
    "kinds of files that were not compared with Pillow",
    async () => {
      const kinds = [
        "tiff-ycbcr.tif",
        "tiff-int8.tif",
        "tiff-int16.tif",
        "tiff-float32.tif",
        "tiff-float64.tif",
        "tiff-zstd.tif",
        "tiff-lzma.tif",
        "tiff-5-samples.tif",
        "avif-sequence.avif",
        "png-cgbi.png",
      ];
      return (
        await matched(
          tiny("match"),
          kinds.map((name) => image(`kinds/${name}`)),
        )
      ).rows;
    },
    Array(10).fill("image/unsupported"),
  ],
  [
    "F11",
    "a full device for the results",
    () => {
      const args = ["match", scene("01"), "-t", "a dog", "--json", "--quiet", "--model", tiny("match")];
      const { status, stderr } = spawnSync(
        "bash",
        ["-c", 'exec "$0" "$@" > /dev/full', process.execPath, command, ...args],
        { encoding: "utf8" },
      );
      return [status, stderr];
    },
    [1, containing("ENOSPC")],
  ],
  [
    "F15",
    "a table of many rows: its time grows as the rows do",
    async () => {
      const time = async (count: number) => {
        const stdin = Array.from({ length: count }, (_, index) => `/none/${index}.png`).join("\n");
        const from = process.cpuUsage();
        const { stdout } = await blip(["match", "-", "-t", "a dog", "--quiet", "--model", tiny("match")], {
          stdin,
        });
        const { user } = process.cpuUsage(from);
        return { rows: stdout.trimEnd().split("\n").length, perRow: user / count };
      };
      await time(100);
      const [few, many] = [await time(1000), await time(8000)];
      // Eight times as many would take eight times as long per row if it were quadratic.
      return [many.rows >= 8000, many.perRow < 4 * few.perRow];
    },
    [true, true],
  ],
  [
    "F19",
    "a name with an escape sequence and a new line",
    async () => {
      const { stdout, stderr } = await blip([
        "match",
        "/none/\u001b[31mred\n.png",
        "-t",
        "a dog",
        "--model",
        tiny("match"),
      ]);

      return [(stdout + stderr).includes("\u001b"), stdout.includes("\\u001b[31mred\\n.png")];
    },
    [false, true],
  ],
  [
    "F23",
    "AppleDouble files, thumbnails, hidden files and HEIC in a folder",
    async () => {
      await mkdir(folder.at("mac", "@eaDir"), { recursive: true });
      for (const name of ["a.png", "._a.png", ".hidden.png", "@eaDir/thumb.png", "photo.heic"])
        await copyFile(scene("01"), folder.at("mac", name));
      const { code, stdout, stderr } = await blip([
        "match",
        folder.at("mac"),
        "-t",
        "a dog",
        "--json",
        "--model",
        tiny("match"),
      ]);
      return [code, rowsOf(stdout).map((row) => row.image), stderr];
    },
    [0, [expect.stringMatching(/mac\/a\.png$/)], expect.stringMatching(/1 HEIC/)],
  ],
  [
    "F25",
    "names of weights that all begin with module.",
    async () => {
      const model = await folder.model("match", {}, (bytes) => {
        const length = Number(bytes.readBigUInt64LE(0));
        const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<string, unknown>;
        const prefixed = Object.entries(header).map(
          ([name, value]) => [name === "__metadata__" ? name : `module.${name}`, value] as const,
        );
        const text = Buffer.from(JSON.stringify(Object.fromEntries(prefixed)));
        const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, " ")]);
        const size = Buffer.alloc(8);
        size.writeBigUInt64LE(BigInt(padded.length));
        return Buffer.concat([size, padded, bytes.subarray(8 + length)]);
      });
      const [found, expected] = [await matched(model), await matched(tiny("match"))];
      return [found.code, JSON.stringify(found.rows) === JSON.stringify(expected.rows)];
    },
    [0, true],
  ],
];

describe("a case from the field", () => {
  test.each(cases)("%s: %s", { timeout: 120_000 }, async (_row, _tried, call, right) => {
    expect(await call()).toEqual(right);
  });
});

/** Rows whose right value needs more than a call: the test that holds it, by file and title. */
const elsewhere: readonly (readonly [row: string, file: string, title: string])[] = [
  ["F01", "packages/blip/test/runtimes.slow.test.ts", "hold in $name $version"],
  ["F01", "packages/blip/test/runtimes-verbs.slow.test.ts", "$name $version answers as this Node does"],
  ["F02", "packages/blip/test/baseline.slow.test.ts", "functions and classes work, and a model is closed"],
  ["F03", "packages/blip/src/platform/node/hub/download-model.test.ts", "processor_config.json"],
  ["F06", "packages/cli/test/image-names.slow.test.ts", "EACCES"],
  ["F07", "packages/blip/test/web-pictures.slow.test.ts", "is what Node reads, byte for byte"],
  ["F13", "packages/blip/src/platform/node/hub/expand-path.test.ts", "HUGGINGFACE_HUB_CACHE"],
  ["F14", "packages/blip/test/bundlers.long.test.ts", "$name builds a page and a server"],
  ["F14", "packages/blip/test/bundlers.long.test.ts", "Next with %s builds a component and a route"],
  ["F16", "packages/blip/src/classes/changed-files.test.ts", "model/changed"],
  ["F20", "packages/blip/src/text/text.test.ts", "tokenizer_config.json decides how texts are read"],
  ["F22", "packages/blip/test/package.slow.test.ts", "checks without skipLibCheck"],
  ["F24", "packages/blip/src/platform/node/net/proxy.test.ts", "HTTPS_PROXY"],
  ["F26", "packages/blip/test/runtimes.long.test.ts", "the suites in Node $version"],
  ["F28", "packages/blip/src/verbs/wrong-calls.test.ts", "unknown"],
  ["F12", "packages/cli/test/cases/field-calls.slow.test.ts", "texts in UTF-16, and an image for texts"],
  [
    "F17",
    "packages/cli/test/cases/field-calls.slow.test.ts",
    "a signal that is aborted before and while a model loads",
  ],
  ["F18", "packages/cli/test/cases/field-calls.slow.test.ts", "50 calls with one signal, and 50 requests"],
  [
    "F20",
    "packages/cli/test/cases/field-calls.slow.test.ts",
    "tokenizer_config.json that keeps capitals or accents, and truncation in tokenizer.json: read as transformers reads them",
  ],
  [
    "F21",
    "packages/cli/test/cases/field-calls.slow.test.ts",
    "generation_config.json under `hf`: not read, as transformers does not for BLIP",
  ],
  [
    "F27",
    "packages/cli/test/cases/field-calls.slow.test.ts",
    "a detached buffer, a string for a list, an undefined text",
  ],
  [
    "F29",
    "packages/cli/test/cases/field-calls.slow.test.ts",
    "capital Greek that ends in sigma, CJK above U+FFFF",
  ],
];

test.each(elsewhere)("%s is in %s", async (_row, file, title) => {
  expect(await readFile(path(file), "utf8")).toContain(title);
});

test("every row has its case", () => {
  const rows = new Set([...cases, ...elsewhere].flatMap(([row]) => row.split(", ")));
  const all = Array.from({ length: 29 }, (_, index) => `F${String(index + 1).padStart(2, "0")}`);
  expect(all.filter((row) => !rows.has(row))).toEqual([]);
});
