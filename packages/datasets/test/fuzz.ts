// Random damage to every fixture: only a BlipError may be thrown. Each test tier has its own number of runs.
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { BlipError } from "@blip-ts/base";
import { expect, test } from "vitest";
import { readDataset, readPairs, tasks, type Task } from "@blip-ts/datasets/node";
import { all, chunks, examplesOf, fileWith, fixture, list } from "./support.ts";

/** Every single-file fixture, with the tasks that it may be read for. */
const files: readonly string[] = [
  ...readdirSync(fixture("lists")).map((name) => list(name)),
  ...[
    "snappy",
    "gzip",
    "zstd",
    "brotli",
    "lz4",
    "v2-pages",
    "plain",
    "delta",
    "img2dataset",
    "winoground",
  ].map((name) => fixture(`parquet/${name}.parquet`)),
  fixture("parquet/hub/data/train-00000-of-00001.parquet"),
  fixture("shards/00000.tar"),
  fixture("odd.tar"),
];

interface Damage {
  readonly at: number;
  readonly kind: "set" | "cut" | "insert" | "double" | "many";
  readonly value: number;
}

function damaged(bytes: Buffer, changes: readonly Damage[]): Buffer {
  let result = Buffer.from(bytes);
  for (const { at, kind, value } of changes) {
    const place = Math.floor(at * result.length);
    if (kind === "set") result[place] = value;
    else if (kind === "cut") result = result.subarray(0, place);
    else if (kind === "insert")
      result = Buffer.concat([result.subarray(0, place), Buffer.of(value), result.subarray(place)]);
    else if (kind === "double") result = Buffer.concat([result.subarray(0, place), result]);
    else result.subarray(place, place + 8).fill(value);
  }
  return result;
}

const change: fc.Arbitrary<Damage> = fc.record({
  at: fc.double({ min: 0, max: 0.999999, noNaN: true }),
  kind: fc.constantFrom("set", "set", "set", "cut", "insert", "double", "many"),
  value: fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x7f, 0x80, 0xff, 0x22, 0x5b, 0x7d, 0x2c, 0x0a),
  ),
});

async function neverRaw(run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof BlipError)) throw error;
  }
}

/** The options with which a fixture is read: those with splits name one. */
const optionsFor = (file: string) =>
  /dataset_coco|videodatainfo|parquet.hub/.test(file) ? { split: "test" } : {};

/** Each file with each task that it supports. Damage to these reaches the deepest code. */
async function readable(): Promise<[string, Task][]> {
  const found: [string, Task][] = [];
  for (const file of files)
    for (const task of tasks)
      try {
        await readDataset(task, file, optionsFor(file));
        found.push([file, task]);
      } catch (error) {
        expect(error).toBeInstanceOf(BlipError);
      }
  return found;
}

/** @param runs runs of each test @param timeout time limit of each test, in milliseconds */
export function fuzzTests(runs: number, timeout: number): void {
  test(
    "random damage to any fixture, read for its tasks, throws nothing but BlipErrors",
    async () => {
      const whole = await readable();
      expect(whole.length).toBeGreaterThan(60);
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...whole),
          fc.array(change, { minLength: 1, maxLength: 4 }),
          fc.boolean(),
          async ([file, task], changes, goOn) => {
            const path = fileWith(damaged(readFileSync(file), changes));
            const options = { ...optionsFor(file), ...(goOn ? { onRowError: () => undefined } : {}) };
            await neverRaw(async () => {
              const dataset = await readDataset(task, path, options);
              await all(dataset.examples);
            });
          },
        ),
        { numRuns: runs },
      );
    },
    timeout,
  );

  test(
    "random damage to VQA's annotations",
    async () => {
      const annotations = readFileSync(list("v2_annotations.json"));
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
          const path = fileWith(damaged(annotations, changes));
          await neverRaw(() => examplesOf("vqa", list("v2_questions.json"), { annotations: path }));
        }),
        { numRuns: runs },
      );
    },
    timeout,
  );

  test(
    "random damage to lists of pairs, in any chunks",
    async () => {
      const sources = [
        "pairs.jsonl",
        "captions.csv",
        "captions.tsv",
        "coco_karpathy_val.json",
        "nlvr_dev.json",
      ].map((name) => readFileSync(list(name)));
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...sources),
          fc.array(change, { maxLength: 6 }),
          fc.integer({ min: 1, max: 200 }),
          async (source, changes, size) => {
            await neverRaw(() => all(readPairs(chunks(damaged(source, changes), size))));
          },
        ),
        { numRuns: runs },
      );
    },
    timeout,
  );

  test(
    "any bytes at all",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 2000 }),
          fc.constantFrom<Task>(...tasks),
          async (bytes, task) => {
            await neverRaw(async () => all((await readDataset(task, fileWith(bytes))).examples));
            await neverRaw(() => all(readPairs(chunks(bytes, 100))));
          },
        ),
        { numRuns: runs },
      );
    },
    timeout,
  );
}
