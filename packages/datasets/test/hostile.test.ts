// Malicious files with false sizes and counts. Only a BlipError may be thrown, within little processor time and memory.
// fuzz.slow.test.ts damages every fixture at random.
import { readFileSync } from "node:fs";
import { parquetMetadata } from "hyparquet";
import { describe, expect, test } from "vitest";
import { type DataFile, openFile, readData, readPairs } from "@blip-ts/datasets/node";
import { all, examplesOf, fileWith, fixture, refusal } from "./support.ts";

const megabytes = () => process.memoryUsage().rss / 2 ** 20;

/** Fails if the run exceeds a limit on memory or processor time. */
async function bounded<T>(run: () => Promise<T>): Promise<T> {
  const before = megabytes();
  const start = process.cpuUsage();
  const result = await run();
  expect(megabytes() - before).toBeLessThan(400);
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(10);
  return result;
}

describe("Parquet", () => {
  const whole = readFileSync(fixture("parquet/none.parquet"));

  /** A file with this footer. */
  const withFooter = (footer: readonly number[]) =>
    Buffer.concat([
      whole.subarray(0, 4),
      Buffer.alloc(64),
      Buffer.from(footer),
      uint32(footer.length),
      Buffer.from("PAR1"),
    ]);

  test("lists of 30 million in lists, in a footer of 60 bytes", async () => {
    // A list of lists, whose length is allocated at once: 240 MB each.
    const list = [0xf9, 0x80, 0x87, 0xa7, 0x0e];
    const footer = [0x19, ...Array.from({ length: 12 }, () => list).flat()];
    const error = await bounded(() => refusal(() => examplesOf("retrieval", fileWith(withFooter(footer)))));
    expect(error.code).toBe("dataset/damaged");
    expect(error.message).toContain("a list of 30000000 in fewer bytes");
  });

  test("a page whose levels are a run of 33 million", async () => {
    // Levels of three values, one missing: a packed run in 2 bytes. It is replaced with a run of 2^25 in 5 bytes.
    const column = parquetMetadata(whole).row_groups[0]?.columns.find(
      ({ meta_data: meta }) => meta?.path_in_schema.join(".") === "image_id",
    );
    const levels = whole.indexOf(
      Buffer.from([2, 0, 0, 0, 3, 3]),
      Number(column?.meta_data?.data_page_offset),
    );
    const bytes = Buffer.from(whole);
    bytes.set([5, 0, 0, 0, 0x80, 0x80, 0x80, 0x20, 0x01], levels);
    const error = await bounded(() => refusal(() => examplesOf("retrieval", fileWith(bytes))));
    expect(error.code).toBe("dataset/damaged");
    expect(error.message).toContain("a run of 33554432 values");
  });

  test("a text of 200 kB in 2 kB of zstd: bounded before it is decompressed", async () => {
    const path = fixture("parquet/compressible.parquet");
    const [row] = await examplesOf("retrieval", path);
    expect(row?.captions[0]).toHaveLength(200_000);
    const error = await refusal(() => examplesOf("retrieval", path, { limits: { rowGroupBytes: 100_000 } }));
    expect(error).toMatchObject({ code: "dataset/too-large", fields: { option: "rowGroupBytes" } });
  });

  test("columns that are too large together are not read", async () => {
    const file = await openFile(fixture("parquet/none.parquet"));
    let read = 0;
    const watched: DataFile = {
      ...file,
      read(offset, length) {
        read += length;
        return file.read(offset, length);
      },
    };
    const run = async () => {
      const dataset = await readData(
        "retrieval",
        { kind: "file", file: watched },
        { limits: { rowGroupBytes: 500 } },
        {},
      );
      read = 0;
      return all(dataset.examples);
    };
    expect(await refusal(run)).toMatchObject({ code: "dataset/too-large" });
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThanOrEqual(500);
  });
});

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

describe("shards", () => {
  const header = (name: string, size: string, type = "0") => {
    const block = Buffer.alloc(512);
    block.write(name, 0);
    block.write("0000644\0", 100);
    block.write(size, 124);
    block.write("00000000000\0", 136);
    block.write("        ", 148);
    block.write(type, 156);
    block.write("ustar\x0000", 257, "latin1");
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return block;
  };

  test.each([
    ["a member of 8 GB", header("a.jpg", "77777777777")],
    ["a name of 8 GB", header("././@LongLink", "77777777777", "L")],
    ["a size below nothing", header("a.jpg", "-1111111111")],
  ])("%s", async (_, block) => {
    const path = fileWith(Buffer.concat([block, Buffer.alloc(4096)]), "a.tar");
    const error = await bounded(() => refusal(() => examplesOf("pretrain", path)));
    expect(["dataset/damaged", "dataset/too-large"]).toContain(error.code);
  });
});

describe("texts", () => {
  test("a megabyte of brackets, a row of many empty lists, a line without an end", async () => {
    for (const content of [
      "[".repeat(2 ** 20),
      `[${"[],".repeat(2 ** 14)}[]]`,
      "{".repeat(2 ** 22),
      `[{"a":"${"x".repeat(2 ** 22)}`,
      "a".repeat(2 ** 22),
    ]) {
      const path = fileWith(content);
      for (const task of ["retrieval", "vqa"] as const)
        await bounded(() => refusal(() => examplesOf(task, path)));
      await bounded(() => refusal(() => all(readPairs(path))).catch(() => undefined));
    }
  });
});

test("a list of 60 MB is streamed", async () => {
  const row = JSON.stringify({ image: "a.jpg", text: "x".repeat(200), more: [1, { a: "]" }] });
  const block = new TextEncoder().encode(Array.from({ length: 300 }, () => `${row},`).join(""));
  const blocks = 810;
  async function* source() {
    yield new TextEncoder().encode("[");
    for (let count = 0; count < blocks; count++) {
      await Promise.resolve();
      yield block;
    }
    yield new TextEncoder().encode(`${row}]`);
  }
  const rows = await bounded(async () => {
    let count = 0;
    for await (const one of readPairs(source())) count += "error" in one ? 0 : 1;
    return count;
  });
  expect(rows).toBe(300 * blocks + 1);
  expect(block.length * blocks).toBeGreaterThan(60e6);
}, 120_000);
