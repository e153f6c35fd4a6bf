// One run of blip-ts for first-score.mjs: prints the logits and the peak memory as one line of JSON.
import { readFile } from "node:fs/promises";
import { BlipForImageTextRetrieval, BlipProcessor } from "blip-ts";

const [folder, image, text] = process.argv.slice(2);
const processor = await BlipProcessor.fromPretrained(folder);
const model = await BlipForImageTextRetrieval.fromPretrained(folder);
const { itmScore } = await model.forward(await processor(image, text));
const peakKilobytes = Number(/VmHWM:\s+(\d+)/.exec(await readFile("/proc/self/status", "utf8"))?.[1]);
console.log(JSON.stringify({ peakKilobytes, logits: [...itmScore.data] }));
process.exit(0);
