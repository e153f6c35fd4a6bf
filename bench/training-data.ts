// Images per second of processor time (all threads together) and of the clock: decode, crop, flip, RandAugment,
// normalise. Takes turns with BLIP's own preparation if a Python with oracle/train/data/requirements.txt and a checkout
// of BLIP are given.
//
//   npx tsx bench/training-data.ts [--size 224] [--rounds 3] [--python P --blip FOLDER]
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { closing } from "../packages/base/src/index.ts";
import { createTrainingData } from "../packages/blip/src/train/node/index.ts";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "224" },
    rounds: { type: "string", default: "3" },
    python: { type: "string" },
    blip: { type: "string" },
  },
});
interface Rates {
  readonly cpu: number;
  readonly clock: number;
}

const size = Number(values.size);
const seconds = 6;
const speedScript = fileURLToPath(new URL("../oracle/train/data/augment_speed.py", import.meta.url));

/** Writes JPEGs of 640 x 480 pixels: soft shapes under a little noise, about 60 KB each. */
async function makeImages(folder: string): Promise<void> {
  for (let number = 0; number < 32; number++) {
    const noise = (count: number, most: number) =>
      Buffer.from(Array.from({ length: count }, (_, index) => (index * (7919 + number) * 31) % most));
    const soft = await sharp(noise(40 * 30 * 3, 256), { raw: { width: 40, height: 30, channels: 3 } })
      .resize(640, 480)
      .jpeg({ quality: 92 })
      .toBuffer();
    writeFileSync(join(folder, `${number}.jpg`), soft);
    writeFileSync(join(folder, `${number}.txt`), `image ${number}`);
  }
}

/** @param workers number of workers; 0 uses the main thread */
async function ours(folder: string, workers: number): Promise<Rates> {
  const data = await createTrainingData("caption", folder, { batchSize: 8, imageSize: size, workers });
  return closing(data, async () => {
    let done = 0;
    let start = performance.now();
    let cpu = process.cpuUsage();
    let warm = false;
    for await (const batch of data.batches()) {
      done += batch.size;
      if (!warm && done >= 32) {
        [done, start, cpu, warm] = [0, performance.now(), process.cpuUsage(), true];
      }
      if (performance.now() - start > seconds * 1000) break;
    }
    const { user, system } = process.cpuUsage(cpu);
    return { cpu: (done / (user + system)) * 1e6, clock: (done / (performance.now() - start)) * 1000 };
  });
}

function reference(python: string, blip: string, folder: string): Rates {
  const args = ["-W", "ignore", speedScript, blip, folder, String(size), String(seconds)];
  return JSON.parse(execFileSync(python, args, { encoding: "utf8" })) as Rates;
}

const folder = mkdtempSync(join(tmpdir(), "blip-bench-"));
try {
  await makeImages(folder);
  const { python, blip } = values;
  const lanes = [
    { name: "main thread", run: () => ours(folder, 0) },
    { name: "1 worker", run: () => ours(folder, 1) },
    { name: "2 workers", run: () => ours(folder, 2) },
  ];
  if (python !== undefined && blip !== undefined)
    lanes.push({ name: "reference", run: () => Promise.resolve(reference(python, blip, folder)) });
  for (let round = 0; round < Number(values.rounds); round++)
    for (const { name, run } of lanes) {
      const { cpu, clock } = await run();
      console.log(`${name.padEnd(12)} ${cpu.toFixed(1)} per CPU second, ${clock.toFixed(1)} per second`);
    }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
