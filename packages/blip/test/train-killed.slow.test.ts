// A run that is killed at two random moments ends as an unbroken one. More moments: train-killed.long.test.ts.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goesOn, killedCommand, moments, unbroken } from "./support/killed-training.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-killed-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("killed twice with SIGKILL, it ends with the weights, states and metrics of an unbroken run, bit for bit", async () => {
  const command = await killedCommand(root, "caption", 1);
  const expectSame = await unbroken(command, join(root, "whole"));
  const seed = Date.now();
  const kills = moments(2, seed).sort((a, b) => a.rows - b.rows);
  const out = join(root, "broken");
  const left = await goesOn(command, out, kills);
  expect(left.some(({ killed }) => killed)).toBe(true);
  await expectSame(out, `seed ${seed}, ${JSON.stringify({ kills, left })}`);
});
