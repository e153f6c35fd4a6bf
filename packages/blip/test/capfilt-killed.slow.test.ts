// CapFilt, killed at random moments (SIGKILL) and taken up again: the same kept pairs, none lost, none twice.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { keptOf, killedRuns, scoresOf } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";

const root = await mkdtemp(join(tmpdir(), "blip-capfilt-killed-"));
afterAll(() => rm(root, { recursive: true, force: true }));

test("two kills", async () => {
  const options = {
    captioner: fixture("tiny/pretrain-original"),
    imageBatchSize: 4,
    threshold: 0.5,
    html: 4,
  };
  const { killed, whole, cuts } = await killedRuns(root, { rows: 600, kills: 2, seed: 17, options });
  expect(killed).toBe(2);
  for (const cut of cuts) {
    expect(await scoresOf(cut)).toEqual(await scoresOf(whole));
    const kept = await keptOf(cut);
    expect(kept).toEqual(await keptOf(whole));
    expect(new Set(kept.map((row) => JSON.stringify(row))).size).toBe(kept.length);
  }
});
