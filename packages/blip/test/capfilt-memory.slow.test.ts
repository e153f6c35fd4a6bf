// CapFilt's memory does not grow with the data: half a gigabyte of shards takes about what a few rows take.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { tarEnd, tarMembers } from "@blip-ts/datasets/node";
import { afterAll, expect, test } from "vitest";
import { scene } from "./support/capfilt.ts";
import { fixture } from "./support/goldens.ts";

const run = promisify(execFile);
const root = await mkdtemp(join(tmpdir(), "blip-capfilt-memory-"));
afterAll(() => rm(root, { recursive: true, force: true }));

/** A shard of so many samples of 2 MiB each. */
async function shard(folder: string, samples: number): Promise<string> {
  await mkdir(folder);
  const file = await open(join(folder, "00000.tar"), "w");
  const image = await readFile(scene(0));
  for (let n = 0; n < samples; n++) {
    const members = [
      { name: `${n}.png`, body: image },
      { name: `${n}.txt`, body: "a dog" },
      { name: `${n}.npy`, body: new Uint8Array(2 << 20).fill(n % 256) },
    ];
    await file.write(await tarMembers(members));
  }
  await file.write(tarEnd);
  await file.close();
  return folder;
}

/** The most megabytes that a process of its own had. */
async function peak(data: string, out: string): Promise<number> {
  const options = { captioner: fixture("tiny/pretrain-original"), threshold: 0, html: 4 };
  const program = `import { capfilt } from ${JSON.stringify(new URL("../dist/train.js", import.meta.url).href)};
    const report = await capfilt(${JSON.stringify(data)}, ${JSON.stringify(out)}, ${JSON.stringify(options)});
    console.log(JSON.stringify([report.pairs, process.resourceUsage().maxRSS / 1024]));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program]);
  const [pairs, megabytes] = JSON.parse(stdout) as [number, number];
  expect(pairs).toBeGreaterThan(0);
  return megabytes;
}

test("shards of 512 MiB, read three times and written once", async () => {
  const few = await peak(await shard(join(root, "few"), 8), join(root, "few-out"));
  const many = await peak(await shard(join(root, "many"), 256), join(root, "many-out"));
  expect(many - few).toBeLessThan(192);
});
