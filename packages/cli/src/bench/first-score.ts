// The child process of `blip bench`: loads a model, scores one picture with one text, says when it was done and the most
// memory that it took.
import { readFile } from "node:fs/promises";
import { BlipForImageTextRetrieval, BlipProcessor } from "blip-ts";
import { firstText, formulaPicture } from "./inputs.ts";
import type { FirstScore, FirstScoreOrder } from "./measures.ts";

/** In bytes. Linux's `ru_maxrss` begins with the parent's peak, so that its own record of the process is read there. */
async function peakMemory(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const kilobytes = /VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kilobytes) * 1024;
}

const { source, dtype, threads, image } = JSON.parse(process.argv[2] ?? "") as FirstScoreOrder;
const options = { dtype, threads, onWarning: () => undefined };
const processor = await BlipProcessor.fromPretrained(source);
const model = await BlipForImageTextRetrieval.fromPretrained(source, options);
const { itmScore } = await model.forward(await processor(image ?? formulaPicture(), firstText));
const said: FirstScore = {
  at: performance.timeOrigin + performance.now(),
  logits: [...itmScore.data],
  memory: await peakMemory(),
};
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
