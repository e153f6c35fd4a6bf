// CapFilt, killed at twenty random moments (SIGKILL), in each form of output: the same kept pairs, none lost, none twice.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keptOf, killedRuns, scoresOf } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";

const root = await mkdtemp(join(tmpdir(), "blip-capfilt-killed-"));
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(["jsonl", "webdataset", "parquet"] as const)("20 kills, %s", async (format) => {
  const folder = join(root, format);
  const captioner = fixture("tiny/pretrain-original");
  const options = { captioner, imageBatchSize: 4, threshold: 0.5, html: 4, format };
  const { killed, whole, cuts } = await killedRuns(folder, { rows: 1_000, kills: 20, seed: 29, options });
  expect(killed).toBe(20);
  for (const cut of cuts) {
    expect(await scoresOf(cut)).toEqual(await scoresOf(whole));
    const kept = await keptOf(cut);
    expect(kept).toEqual(await keptOf(whole));
    // Parquet's whole numbers are BigInts.
    const text = (row: unknown) =>
      JSON.stringify(row, (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    expect(new Set(kept.map(text)).size).toBe(kept.length);
  }
});
