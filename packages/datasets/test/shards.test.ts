// Parquet files and webdataset shards written by Python, compared with Python's reading of them (oracle/datasets).
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defaultLimits, openFile, readDataset, type ImageSource } from "@blip-ts/datasets/node";
import { all, examplesOf, fileWith, fixture, folderWith, list, refusal } from "./support.ts";

interface Golden {
  readonly parquet: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly shards: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly hubTrain: readonly string[];
}

const golden = JSON.parse(readFileSync(fixture("golden.json"), "utf8")) as Golden;

/** Bytes in the form of the oracle's description. */
function described(source: ImageSource) {
  if (source.kind !== "bytes") return source;
  const sha256 = createHash("sha256").update(source.bytes).digest("hex").slice(0, 16);
  return { bytes: source.bytes.length, sha256 };
}

describe("Parquet", () => {
  test.each(["none", "snappy", "gzip", "zstd", "brotli", "lz4", "v2-pages", "plain"])(
    "%s: images, lists of texts and ids as pyarrow reads them",
    async (name) => {
      const path = fixture(`parquet/${name}.parquet`);
      const rows = await examplesOf("retrieval", path);
      const expected = golden.parquet[`parquet/${name}.parquet`];
      expect(rows.map(({ image }) => described(image))).toEqual(
        expected?.map(({ image }) => (image as { bytes: unknown }).bytes),
      );
      expect(rows.map(({ captions }) => captions)).toEqual(expected?.map(({ caption }) => caption));
      expect(rows.map(({ imageId }) => imageId)).toEqual([391895, 522418, undefined, 2 ** 40]);
      expect(rows[3]?.place).toEqual({ file: path, unit: "row", at: 3 });
    },
  );

  test("img2dataset's tables: the bytes are preferred to the URL", async () => {
    const rows = await examplesOf("pretrain", fixture("parquet/img2dataset.parquet"));
    const expected = golden.parquet["parquet/img2dataset.parquet"];
    expect(rows.map(({ image }) => described(image))).toEqual(expected?.map(({ jpg }) => jpg));
    expect(rows.map(({ caption }) => caption)).toEqual(expected?.map(({ caption }) => caption));
  });

  test("a Hub repository of questions: the split is named, answers are structs in a list", async () => {
    const folder = fixture("parquet/hub");
    const ambiguous = await refusal(() => readDataset("vqa", folder));
    expect(ambiguous).toMatchObject({ code: "dataset/ambiguous-format" });
    expect(ambiguous.message).toMatch(/the split "test"; the split "train".*Name one with "split"/);
    const rows = await examplesOf("vqa", folder, { split: "train" });
    expect(rows.map(({ question }) => question)).toEqual(golden.hubTrain);
    expect(rows[0]).toMatchObject({
      questionId: 1000,
      answerType: "other",
      questionType: "what color is",
      answers: [
        { answer: "red", weight: 0.7 },
        { answer: "crimson", weight: 0.2 },
        { answer: "", weight: 0.1 },
      ],
    });
  });

  test("Winoground as the Hub has it", async () => {
    const [row] = await examplesOf("match", fixture("parquet/winoground.parquet"));
    expect(row).toMatchObject({
      id: 0,
      group: "Object",
      texts: ["a square beside a circle", "a circle beside a square"],
    });
    const expected = golden.parquet["parquet/winoground.parquet"]?.[0];
    expect(row?.images.map(described)).toEqual([
      (expected?.image_0 as { bytes: unknown }).bytes,
      (expected?.image_1 as { bytes: unknown }).bytes,
    ]);
  });

  test("an encoding with unbounded memory is rejected by name", async () => {
    const error = await refusal(() => examplesOf("retrieval", fixture("parquet/delta.parquet")));
    expect(error).toMatchObject({ code: "dataset/damaged" });
    expect(error.message).toContain("encoding 7");
  });

  test("one row group is read at a time, with only the needed columns", async () => {
    const file = await openFile(fixture("parquet/snappy.parquet"));
    const ranges: number[] = [];
    const { readData } = await import("@blip-ts/datasets/node");
    const watched = {
      ...file,
      read: (offset: number, length: number) => (ranges.push(length), file.read(offset, length)),
    };
    const dataset = await readData("retrieval", { kind: "file", file: watched }, { format: "table" }, {});
    const footer = ranges.length;
    const iterator = dataset.examples[Symbol.asyncIterator]();
    await iterator.next();
    // image.bytes, image.path, caption and image_id of the first of two groups, without weight.
    expect(ranges.length - footer).toBe(4);
    for (let row = 1; row < 4; row++) await iterator.next();
    expect(ranges.length - footer).toBe(8);
  });

  test.each([
    ["rowGroupBytes", 300, "dataset/too-large"],
    ["footerBytes", 100, "dataset/too-large"],
    ["columnValues", 2, "dataset/too-large"],
    ["imageBytes", 70, "dataset/too-large"],
  ] as const)("limits.%s holds", async (limit, value, code) => {
    const error = await refusal(() =>
      examplesOf("retrieval", fixture("parquet/none.parquet"), { limits: { [limit]: value } }),
    );
    expect(error.code).toBe(code);
    expect(error.message).toContain(`limits.${limit}`);
  });

  test("a cut file, a footer that is too long, columns behind the end", async () => {
    const whole = readFileSync(fixture("parquet/none.parquet"));
    expect(await refusal(() => examplesOf("retrieval", fileWith(whole.subarray(0, 1000))))).toMatchObject({
      code: "dataset/truncated",
    });
    const long = Buffer.from(whole);
    long.writeUInt32LE(2 ** 31, long.length - 8);
    expect(await refusal(() => examplesOf("retrieval", fileWith(long)))).toMatchObject({
      code: "dataset/damaged",
    });
    const footer = whole.readUInt32LE(whole.length - 8) + 8;
    const short = Buffer.concat([whole.subarray(0, 4), whole.subarray(whole.length - footer)]);
    expect(await refusal(() => examplesOf("retrieval", fileWith(short)))).toMatchObject({
      code: "dataset/damaged",
    });
  });
});

describe("webdataset", () => {
  test("img2dataset's shards: image, text and metadata of each sample; its own tables are skipped", async () => {
    const dataset = await readDataset("pretrain", fixture("shards"));
    expect(dataset).toMatchObject({
      container: "webdataset",
      description: expect.stringContaining("2 webdataset shards") as string,
    });
    const rows = await examplesOf("pretrain", fixture("shards"));
    const expected = ["00000.tar", "00001.tar"].flatMap((name) => golden.shards[`shards/${name}`] ?? []);
    expect(rows.map(({ image }) => described(image))).toEqual(expected.map(({ jpg }) => jpg));
    expect(rows.map(({ place }) => place.at)).toEqual(expected.map((sample) => sample.__key__));
    expect(rows.map(({ caption }) => caption)).toEqual([
      "a red square",
      "a green square",
      "a blue square",
      "a grey square",
    ]);
  });

  test("long names, folders, capitals, other members; an image by its name within the sample", async () => {
    const errors: string[] = [];
    const onRowError = ({ message }: Error) => errors.push(message);
    const rows = await examplesOf("retrieval", fixture("odd.tar"), { onRowError });
    const [meta, ...expected] =
      golden.shards["odd.tar"]?.toSorted((a) => (a.__key__ === "__meta__" ? -1 : 1)) ?? [];
    expect(meta?.__key__).toBe("__meta__");
    expect(errors).toEqual([
      expect.stringContaining(
        'sample "__meta__": field "image": expected the path, URL or bytes of an image',
      ),
    ]);
    expect(rows).toHaveLength(2);
    expect(described(rows[0]?.image ?? { kind: "url", url: "" })).toEqual(expected[0]?.png);
    expect(rows[0]?.captions).toEqual(["ünïcode"]);
    expect(rows[0]?.place.at).toBe(expected[0]?.__key__);
    expect(described(rows[1]?.image ?? { kind: "url", url: "" })).toEqual(expected[1]?.png);
    const left = await examplesOf("retrieval", fixture("odd.tar"), {
      columns: { image: "left" },
      onRowError: () => undefined,
    });
    expect(left.map(({ image }) => described(image))).toEqual([expected[1]?.["left.png"]]);
  });

  test("gzip around a shard", async () => {
    const path = fileWith(gzipSync(readFileSync(fixture("shards/00000.tar"))), "00000.tar.gz");
    expect(await examplesOf("pretrain", path)).toHaveLength(2);
    const cut = fileWith(
      gzipSync(readFileSync(fixture("shards/00000.tar"))).subarray(0, 600),
      "00000.tar.gz",
    );
    expect(await refusal(() => examplesOf("pretrain", cut))).toMatchObject({ code: "dataset/damaged" });
  });

  test("a cut shard is an error after its whole samples, as is a damaged header", async () => {
    const whole = readFileSync(fixture("shards/00000.tar"));
    for (const bytes of [
      whole.subarray(0, 5 * 512 + 100),
      whole.subarray(0, 2 * 512),
      damage(whole, 3 * 512 + 10),
    ]) {
      const error = await refusal(() => examplesOf("pretrain", fileWith(bytes, "a.tar")));
      expect(error.code).toBe("dataset/damaged");
    }
  });

  test("members are bounded before they are read, and only their sample is rejected", async () => {
    const errors: string[] = [];
    const rows = await examplesOf("pretrain", fixture("shards"), {
      format: "pretrain",
      limits: { imageBytes: 100 },
      onRowError: ({ message }) => errors.push(message),
    });
    expect(rows).toEqual([]);
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatch(/sample "000000000": expected the bytes of ".jpg" of at most 100, got \d+/);
    expect(defaultLimits.imageBytes).toBe(64 * 1024 * 1024);
  });

  test("tables and shards side by side are ambiguous", async () => {
    const folder = folderWith({
      "a.parquet": readFileSync(fixture("parquet/none.parquet")),
      "b.tar": readFileSync(fixture("shards/00000.tar")),
    });
    expect(await refusal(() => readDataset("pretrain", folder))).toMatchObject({
      code: "dataset/ambiguous-format",
    });
    expect(await examplesOf("pretrain", folder, { format: "webdataset" })).toHaveLength(2);
    expect(await examplesOf("pretrain", join(folder, "a.parquet"))).toHaveLength(8);
  });
});

/** Changes one byte of the archive. */
function damage(whole: Buffer, at: number): Buffer {
  const bytes = Buffer.from(whole);
  bytes[at] = (bytes[at] ?? 0) ^ 0xff;
  return bytes;
}

test("a data set of several files has a part for each, with the same examples", async () => {
  const table = readFileSync(fixture("parquet/none.parquet"));
  for (const [path, options, count] of [
    [fixture("shards"), {}, 2],
    [folderWith({ "a.parquet": table, "b.parquet": table }), {}, 2],
    [[list("coco_karpathy_train.json"), fixture("shards")], {}, 3],
    [list("captions_val2014.json"), {}, 1],
  ] as const) {
    const dataset = await readDataset("retrieval", path, options);
    expect(dataset.parts).toHaveLength(count);
    // Files that are read as streams have a size: shards and Parquet.
    const sizes = dataset.parts.map(({ name, size }) => size === statSync(name).size);
    expect(sizes).toEqual(dataset.parts.map(({ name }) => !name.endsWith(".json")));
    const inParts = [];
    for (const { examples } of dataset.parts) inParts.push(...(await all(examples)));
    expect(inParts.length).toBeGreaterThan(0);
    expect(inParts).toEqual(await all(dataset.examples));
  }
});
