// The child process of `blip bench`: loads a model, scores one image with one text, and reports the time and its peak
// memory, or the error that prevented the score.
import { must, plainError } from "@blip-ts/base";
import { readFile } from "node:fs/promises";
import { BlipForImageTextRetrieval, BlipProcessor, ModelError } from "blip-ts";
import { firstText, formulaImage } from "./inputs.ts";
import type { FirstScore, FirstScoreOrder, NoScore } from "./measures.ts";

/** The peak memory in bytes. Linux's `ru_maxrss` starts at the parent's peak, so /proc is read instead. */
async function peakMemory(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const kilobytes = /VmHWM:\s+(\d+)/.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return Number(kilobytes) * 1024;
}

async function score({ source, dtype, threads, image }: FirstScoreOrder): Promise<FirstScore | NoScore> {
  const options = { dtype, threads, onWarning: () => undefined };
  try {
    const processor = await BlipProcessor.fromPretrained(source, { task: "match" });
    const model = await BlipForImageTextRetrieval.fromPretrained(source, options);
    const { itmScore } = await model.forward(await processor(image ?? formulaImage(), firstText));
    const at = performance.timeOrigin + performance.now();
    return { at, logits: [...itmScore.data], memory: await peakMemory() };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return { failed: plainError(error) };
  }
}

const said = await score(JSON.parse(must(process.argv, 2, "argument")) as FirstScoreOrder);
process.stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0));
