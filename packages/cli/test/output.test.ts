// Where results go: a table of any length, a full disk, a reader that went away.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { endWithOutput, FileOutput } from "../src/output.ts";
import { rowPrinter } from "../src/rows.ts";
import { table, tableLines } from "../src/table.ts";
import type { Terminal } from "../src/terminal.ts";
import { path, scene, tiny } from "./run-blip.ts";

const command = path("packages/blip/bin/blip.js");
const match = ["match", scene("01"), "-t", "a dog", "--quiet", "--model", tiny("match")];

describe("the table", () => {
  test("has columns as wide as their widest cell, numbers to the right", () => {
    const rows = [
      ["a.png", "two\nlines", "1.0 %", "0.5"],
      ["日本語.png", "🐑 sheep", "100.0 %", "-0.123"],
      ["\u001b[31mred\u001b[39m.png", "e\u0301", "-", "-"],
      ["", "3 more (--json)", "", ""],
    ];
    expect(table(["image", "text", "match", "cosine"], rows, 2).split("\n")).toEqual([
      "image                        text               match  cosine",
      "a.png                        two\\nlines         1.0 %     0.5",
      "日本語.png                   🐑 sheep         100.0 %  -0.123",
      "\\u001b[31mred\\u001b[39m.png  e\u0301                      -       -",
      "                             3 more (--json)",
    ]);
  });

  test("of many rows measures each row once", () => {
    const read = { cells: 0 };
    const row = () =>
      new Proxy(["a.png", "a dog", "98.2 %", "0.830"], {
        get(cells, key) {
          if (typeof key === "string" && /^\d+$/.test(key)) read.cells++;
          return Reflect.get(cells, key) as unknown;
        },
      });
    const cellsOf = (count: number) => {
      read.cells = 0;
      const rows = Array.from({ length: count }, row);
      expect(table(["image", "text", "match", "cosine"], rows, 2).split("\n")).toHaveLength(count + 1);
      return read.cells;
    };
    expect(cellsOf(400)).toBe(4 * cellsOf(100));
  });
});

/** What is printed, as it was written. */
function terminal() {
  const blocks: string[] = [];
  const stdout = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      blocks.push(text);
      done();
    },
  });
  return { blocks, terminal: { stdout } as unknown as Terminal };
}

describe("rows", () => {
  const rows = Array.from({ length: 5000 }, (_, index) => ({
    image: `${index}\n.png`,
    tokens: [index, 2],
    error: index % 2 === 0 ? undefined : { code: "image/not-found", message: "a\nb" },
    nothing: [],
  }));

  test.each([0, 1, 5000])(
    "the array of %i is the one that JSON.stringify gives, written in blocks",
    (count) => {
      const { blocks, terminal: to } = terminal();
      const printer = rowPrinter<object>(to, { json: true }, () => []);
      for (const row of rows.slice(0, count)) printer.add(row);
      expect(blocks).toEqual([]);
      printer.end();
      expect(blocks.join("")).toBe(`${JSON.stringify(rows.slice(0, count), undefined, 1)}\n`);
      for (const block of blocks) expect(block.length).toBeLessThan(1e5);
    },
  );

  test("a table is written in blocks", () => {
    const { blocks, terminal: to } = terminal();
    const printer = rowPrinter<string>(to, {}, (all) =>
      tableLines(
        ["image"],
        all.map((one) => [one]),
        0,
      ),
    );
    for (let index = 0; index < 20_000; index++) printer.add(`${index}.png`);
    printer.end();
    expect(blocks.length).toBeGreaterThan(1);
    expect(blocks.join("").split("\n").slice(0, 3)).toEqual(["image", "0.png", "1.png"]);
  });
});

describe("an output that takes only a part", () => {
  test("is written to until all is there", async () => {
    const written: number[] = [];
    const output = new FileOutput(7, ((_file: number, bytes: Uint8Array, from: number, length: number) => {
      const some = Math.min(length, 3);
      written.push(...bytes.subarray(from, from + some));
      return some;
    }) as never);
    output.end("all of it");
    await once(output, "finish");
    expect(Buffer.from(written).toString()).toBe("all of it");
  });

  const errorOf = (code: string) => Object.assign(new Error(`${code}: it is so, write`), { code });
  const ended = async (code: string) => {
    const said: string[] = [];
    const failing = new Writable({ write: (_text, _encoding, done) => done(errorOf(code)) });
    const stderr = new Writable({
      write(text: Buffer, _encoding, done) {
        said.push(text.toString());
        done();
      },
    });
    const exit = new Promise<number>((resolve) => endWithOutput({ stdout: failing, stderr }, resolve));
    failing.write("a row\n");
    return { exit: await exit, said: said.join("") };
  };

  test("ends the program with 1 and says why; a reader that went away is no failure", async () => {
    expect(await ended("EDQUOT")).toEqual({
      exit: 1,
      said: 'blip: standard output: expected to write the results there, got "EDQUOT: it is so, write". Make room there, or send them elsewhere. [output/cannot-write]\n',
    });
    expect(await ended("EPIPE")).toEqual({ exit: 0, said: "" });
  });
});

describe.runIf(process.platform === "linux")("the command, where the disk is full", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "blip-output-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const full =
    /^blip: standard output: expected to write .* got "ENOSPC: no space left on device, write"\. Make room/;

  test.each([
    ["a table", match],
    ["--json", [...match, "--json"]],
    ["--jsonl", [...match, "--jsonl"]],
    ["help", ["--help"]],
    ["graphs", ["inspect", "picture-book", "--graph", "match"]],
  ])("%s: the reason on stderr, exit 1", async (_what, args) => {
    const device = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [command, ...args], { stdio: ["ignore", device, "pipe"] });
    closeSync(device);
    let stderr = "";
    child.stderr?.on("data", (part: Buffer) => (stderr += part.toString()));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(stderr).toMatch(full);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("results that fit in part are not taken for whole", async () => {
    const file = join(folder, "out");
    // The shell's limit is in units of 1024 bytes.
    const script = `trap "" XFSZ; ulimit -f 4; exec "$0" "$@" > "${file}"`;
    const args = ["-c", script, process.execPath, command, "inspect", "picture-book", "--graph", "match"];
    const { status, stderr } = spawnSync("bash", args, { encoding: "utf8" });
    expect((await stat(file)).size).toBe(4096);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^blip: standard output: .* got "EFBIG: .* write"/);
  });

  test("where warnings cannot be written, the results are there all the same", async () => {
    const script = `exec "$0" "$@" > "${join(folder, "rows")}" 2> /dev/full`;
    // Without --model a line on stderr comes first.
    const args = ["match", scene("01"), "-t", "a dog", "--json"];
    const { status } = spawnSync("bash", ["-c", script, process.execPath, command, ...args]);
    expect(status).toBe(0);
    expect(JSON.parse(await readFile(join(folder, "rows"), "utf8"))).toHaveLength(1);
  });

  test("a reader that goes away is no failure", () => {
    const script = `"$0" "$@" | head -c 1; exit "\${PIPESTATUS[0]}"`;
    const args = ["-c", script, process.execPath, command, "inspect", "picture-book", "--graph", "match"];
    expect(spawnSync("bash", args, { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });
});
