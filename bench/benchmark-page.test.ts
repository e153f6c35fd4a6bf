// The benchmark page: its text for given samples, and the committed page, which must match the committed results.
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { benchmarkPage, cells, short, shown } from "./benchmark-page.ts";
import { committedPage, pageOf } from "./page-file.ts";
import type { Results } from "./results.ts";

const results: Results = {
  made: "2026-01-02",
  machine: { cpu: "a processor", cores: 2, memory: 2 ** 34, system: "Linux" },
  versions: { "blip-ts": "0.1.0" },
  settings: { runs: 3, threads: 2, pairs: 128, models: {} },
  samples: {
    "blip-ts x fp32": [1, 2, 3],
    "transformers x fp32": [2, 4, 9],
    "blip-ts bytes": [3e8],
    "blip-ts product": [2, 2, 2],
  },
  units: {
    ...{ "blip-ts x fp32": "s", "transformers x fp32": "s", "blip-ts bytes": "bytes" },
    "blip-ts product": "s",
  },
  operations: { "blip-ts x fp32": 10, "blip-ts product": 40 },
  batches: { "transformers 1x128 fp32": 16 },
  notRun: { "blip-ts x int8": "no such type" },
  agreement: { image: { difference: 3e-7, scale: 2.5 } },
  done: [],
};
const against = { measure: "a measure", ours: "blip-ts x fp32", peer: "transformers x fp32" };

test("compares turn by turn, and shows medians with quartiles", () => {
  expect(cells(against, results)).toEqual([
    ...["a measure", "2.00 s (1.50-2.50)", "transformers fp32: 4.00 s (3.00-6.50)"],
    ...["2.00 (2.00-2.50)", "-", "-"],
  ]);
});

test("says by how much a goal is missed, and counts one within the spread as met", () => {
  const verdict = (atLeast: number) =>
    cells({ ...against, goal: { kind: "ratio", atLeast } }, results).slice(-2);
  expect(verdict(2)).toEqual(["at least 2", "met"]);
  expect(verdict(2.4)).toEqual(["at least 2.4", "met within the spread"]);
  expect(verdict(4)).toEqual(["at least 4", "missed by 50 %"]);
});

test("compares values with their own goals", () => {
  const size = (atMost: number) =>
    cells(
      { measure: "size", ours: "blip-ts bytes", goal: { kind: "value", atMost, unit: "bytes" } },
      results,
    ).slice(1);
  expect(size(0.4e9)).toEqual(["0.300 GB", "-", "-", "at most 0.4 GB", "met"]);
  expect(size(0.2e9).at(-1)).toBe("missed by 50 %");
});

test("compares rates if the work differs", () => {
  const rates = {
    measure: "rate",
    ours: "blip-ts x fp32",
    peer: "blip-ts product",
    compare: "rates",
  } as const;
  // 10, 5 and 3.33 per second against 20.
  expect(cells(rates, results)[3]).toBe("0.250 (0.208-0.375)");
});

test("shows what was not run, and why", () => {
  expect(cells({ measure: "m", ours: "blip-ts x int8", peer: "transformers x fp32" }, results)).toEqual([
    ...["m", "not run", "transformers fp32: 4.00 s (3.00-6.50)", "-", "-", "not run: no such type"],
  ]);
  expect(cells({ measure: "m", ours: "blip-ts y fp32" }, results).at(-1)).toBe("not run");
});

test("writes numbers with three digits and no exponent", () => {
  expect([0, 0.000012345, 0.01234, 1.2345, 12.345, 12345].map(short)).toEqual([
    ...["0", "0.000012", "0.0123", "1.23", "12.3", "12345"],
  ]);
});

test("shows the machine, the versions and the peers' batch sizes", () => {
  const page = benchmarkPage(results);
  for (const said of [
    "2 cores of a processor, 16 GiB",
    "blip-ts 0.1.0",
    "transformers 1x128 fp32: 16",
    "3.0e-7",
  ])
    expect(page).toContain(said);
});

test("leaves candle out if it was not requested, and says so", () => {
  const line = { ...against, peer: "candle x fp32", optional: "line" } as const;
  const { measure, ours } = against;
  expect(shown(line, results)).toEqual([]);
  expect(shown({ ...line, optional: "peer" }, results)).toEqual([{ measure, ours }]);
  expect(benchmarkPage(results)).toContain("candle's BLIP, in Rust and as WebAssembly, was not measured");
  expect(benchmarkPage(results)).not.toMatch(/candle fp32/);
});

test("compares with candle if it was measured, or says why it was not", () => {
  const measured: Results = {
    ...results,
    samples: { ...results.samples, "blip-ts image fp32": [1, 1, 1], "candle image fp32": [3, 3, 3] },
    agreement: { ...results.agreement, "candle image": { difference: 4e-6, scale: 2.5 } },
  };
  const page = benchmarkPage(measured);
  expect(page).toMatch(/^\| image encode, fp32 \| 1.00 s .* \| candle fp32: 3.00 s .* \| 3.00 /m);
  expect(page).toContain("| image | 3.0e-7 of up to 2.50 | 4.0e-6 of up to 2.50 |");
  expect(page).not.toContain("was not measured");
  const failed = { ...results, notRun: { "candle image fp32": "out of memory" } };
  expect(benchmarkPage(failed)).toMatch(/\| candle fp32: not run \|/);
});

test("is the committed page: bench/table.ts was run on the committed results", async () => {
  expect(await readFile(committedPage, "utf8")).toBe(await pageOf());
});
