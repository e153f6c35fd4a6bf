// Runs that are killed at 20 random moments, each run at one: captions with one thread, matching with momentum encoders and a
// queue with two. What was left after the kills goes to standard output, for docs/long-tests.md.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { goesOn, killedCommand, moments, unbroken, type Left } from "./support/killed-training.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-killed-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each([
  ["caption", 1],
  ["match", 2],
] as const)(
  "%s: killed with SIGKILL at 10 random moments, each run ends as the unbroken one",
  async (task, threads) => {
    const folder = join(root, task);
    const command = await killedCommand(folder, task, threads);
    const expectSame = await unbroken(command, join(folder, "whole"));
    const seed = Date.now();
    const all: Left[] = [];
    for (const [index, moment] of moments(10, seed).entries()) {
      const out = join(folder, `broken-${index}`);
      const left = await goesOn(command, out, [moment]);
      all.push(...left);
      await expectSame(out, `seed ${seed}, ${JSON.stringify({ moment, left })}`);
      await rm(out, { recursive: true, force: true });
    }
    const count = (fits: (left: Left) => boolean) => all.filter(fits).length;
    console.log(
      `${task}, ${threads} thread(s), seed ${seed}: ${count(({ killed }) => killed)} killed, ` +
        `${count(({ state }) => !state)} before the first state, ` +
        `${count(({ unfinished }) => unfinished.length > 0)} while something was written; rows ${all.map(({ rows }) => rows).join(", ")}`,
    );
    expect(count(({ killed }) => killed)).toBeGreaterThan(7);
  },
);
