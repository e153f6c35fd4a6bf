// `blip bench` as a script sees it. No test looks at a time: only at what is measured, said and refused.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { int8Products } from "blip-ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { installed } from "../src/bench/installed.ts";
import { describeInt8 } from "../src/bench/machine.ts";
import { blip, tiny } from "./run-blip.ts";

let home = "";

// Converted weights are kept in the Hub's cache: not in that of whoever runs the tests.
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "blip-bench-"));
  vi.stubEnv("HF_HOME", home);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(home, { recursive: true, force: true });
});

type Row = Readonly<Record<string, unknown>>;

async function bench(args: readonly string[]) {
  const { code, stdout, stderr } = await blip(["bench", ...args, "--json", "--quiet"]);
  return { code, stderr, rows: JSON.parse(stdout) as Row[] };
}

const measuredFields = [
  ...["row", "measure", "dtype", "description", "model", "threads", "machine", "versions"],
  ...["unit", "median", "low", "high", "min", "max", "runs", "values", "rate", "ofProduct", "int8"],
];

test("has a row for a measure, with machine and versions, and the engine's own rate beside a known amount of work", async () => {
  const { code, stderr, rows } = await bench(["--row", "image-fp32", "--row", "product", "--runs", "1"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(rows.map(({ row }) => row)).toEqual(["product", "image-fp32"]);
  for (const row of rows) expect(Object.keys(row)).toEqual(measuredFields);
  expect(rows[0]).toMatchObject({ unit: "GFLOP/s", dtype: null, runs: 1, rate: null, ofProduct: null });
  expect(rows[1]).toMatchObject({
    ...{ unit: "s", dtype: "fp32", model: "picture-book", runs: 1, ofProduct: { runs: 1 } },
    versions: { "onnxruntime-node": "1.30.0", node: process.version },
  });
  expect((rows[1]?.values as number[]).every((value) => value > 0)).toBe(true);
});

test("measures matching without the picture, and a process of its own up to its first score and its memory", async () => {
  const { code, rows } = await bench([
    ...["--row", "1x128-fp32", "--row", "128x1-fp32", "--row", "first-score-fp32", "--row", "memory-fp32"],
    ...["--runs", "1"],
  ]);
  expect(code).toBe(0);
  expect(rows.map(({ row, unit, runs }) => [row, unit, runs])).toEqual([
    ["1x128-fp32", "s", 1],
    ["128x1-fp32", "s", 1],
    ["first-score-fp32", "s", 1],
    ["memory-fp32", "bytes", 1],
  ]);
  // Node alone takes 40 MB, ONNX Runtime's library 30.
  expect(rows[3]?.median).toBeGreaterThan(70e6);
});

test("measures what computes in half precision and in 8 bits, each type in turn", async () => {
  const { code, rows } = await bench(["--row", "image-int8", "--row", "image-fp16", "--runs", "1"]);
  expect(code).toBe(0);
  expect(rows.map(({ row, dtype, unit }) => [row, dtype, unit])).toEqual([
    ["image-fp16", "fp16", "s"],
    ["image-int8", "int8", "s"],
  ]);
});

test("says of rows in 8 bits, and of no others, how this processor multiplies", async () => {
  const asked = ["--model", tiny("match"), "--row", "image-int8", "--row", "image-fp16", "--runs", "1"];
  const { rows } = await bench(asked);
  const found = await int8Products();
  // What is not exact here would be wrong in every score.
  expect(found.exact).toBe(true);
  expect(rows.map(({ row, int8 }) => [row, int8])).toEqual([
    ["image-fp16", null],
    ["image-int8", found],
  ]);
  const { stdout } = await blip(["bench", ...asked, "--quiet"]);
  expect(stdout.split("\n\n")[1]).toBe(`${describeInt8(found)}\n`);
  const others = await blip(["bench", "--row", "product", "--runs", "1", "--quiet"]);
  expect(others.stdout).not.toContain("8 bits");
});

test("says each way of multiplying in a line of its own", () => {
  const lines = [
    describeInt8({ weights: "signed", exact: true }),
    describeInt8({ weights: "unsigned", exact: true }),
    describeInt8({ weights: "unsigned", exact: false }),
  ];
  expect(new Set(lines).size).toBe(3);
  expect(lines.map((line) => line.includes("session.x64quantprecision 1"))).toEqual([false, true, true]);
  for (const line of lines) expect(line).toMatch(/^8 bits: (?:un)?signed weights/);
});

test("measures captions of a model that makes them", async () => {
  const { code, rows } = await bench([
    ...["--model", tiny("caption"), "--row", "greedy-fp32", "--row", "beam-3-fp32"],
    ...["--runs", "1"],
  ]);
  expect(code).toBe(0);
  expect(rows.map(({ row, unit }) => [row, unit])).toEqual([
    ["greedy-fp32", "s"],
    ["beam-3-fp32", "s"],
  ]);
});

test("says of a row that a model cannot do why it was not run, and fails if it was asked for", async () => {
  const { code, rows } = await bench([
    ...["--model", tiny("match"), "--row", "greedy-fp32", "--row", "install-size", "--runs", "1"],
  ]);
  expect(code).toBe(1);
  expect(rows[0]).toMatchObject({ row: "greedy-fp32", notRun: { code: "model/wrong-task" } });
  expect(rows[1]).toMatchObject({ row: "install-size", unit: "bytes", runs: 1 });
  // The engine's library alone is larger; a hundred times as much would be the development tools.
  expect(rows[1]?.median).toBeGreaterThan(30e6);
});

test("refuses a row that there is not, listing those that there are", async () => {
  const { code, stdout, stderr } = await blip(["bench", "--row", "images", "--json"]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("product, image, 1x128, 128x1, greedy, beam-3, first-score, memory, install-size");
});

test("counts each package that is needed once, wherever it lies, and none that is not", async () => {
  const root = await mkdtemp(join(tmpdir(), "blip-installed-"));
  try {
    const make = async (path: string, manifest: object, bytes: number) => {
      await mkdir(join(root, path), { recursive: true });
      await writeFile(join(root, path, "package.json"), JSON.stringify(manifest));
      await writeFile(join(root, path, "code.js"), "x".repeat(bytes));
    };
    await make(
      "",
      { name: "root", version: "1.0.0", files: ["code.js"], dependencies: { a: "1", b: "1" } },
      10,
    );
    await writeFile(join(root, "notes.txt"), "not published");
    await make(
      "node_modules/a",
      { name: "a", version: "1.0.0", dependencies: { b: "2" }, optionalDependencies: { other: "1" } },
      100,
    );
    await make("node_modules/a/node_modules/b", { name: "b", version: "2.0.0" }, 1000);
    await make("node_modules/b", { name: "b", version: "1.0.0" }, 10_000);
    await make("node_modules/tool", { name: "tool", version: "1.0.0" }, 100_000);
    const found = await installed(root);
    const manifests = found.map(({ name, version }) => `${name} ${version}`).sort();
    expect(manifests).toEqual(["a 1.0.0", "b 1.0.0", "b 2.0.0", "root 1.0.0"]);
    const total = found.reduce((sum, { bytes }) => sum + bytes, 0);
    // Four manifests of less than 150 bytes each.
    expect(total - 11_110).toBeGreaterThan(0);
    expect(total - 11_110).toBeLessThan(600);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
