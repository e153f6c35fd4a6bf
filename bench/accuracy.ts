// How far half precision and 8 bits are from float32: the example scenes with all their sentences, true and false, by
// the embedded model, and their captions by a model that captions; or a model's own task on the pictures given.
// Run: npx tsx bench/accuracy.ts [--caption MODEL] [MODEL TASK PICTURE...]
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { inspect, type NetworkDType } from "blip-ts";
import { accuracy, accuracyTable, defaultTexts } from "../packages/cli/src/accuracy.ts";

interface Scene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
}

const { values, positionals } = parseArgs({
  options: { caption: { type: "string" } },
  allowPositionals: true,
});
const [model = "picture-book", task = "match", ...given] = positionals;
const scenes = JSON.parse(
  await readFile(new URL("../examples/scenes/scenes.json", import.meta.url), "utf8"),
) as Scene[];
const images = given.length > 0 ? given : scenes.map(({ image }) => `examples/scenes/${image}`);
const texts = given.length > 0 ? defaultTexts : scenes.flatMap((scene) => [scene.true, scene.false]);

async function report(source: string, verb: string): Promise<void> {
  const inType = (dtype: NetworkDType) => ({ source, options: { dtype, onWarning: () => undefined } });
  const counted = [`${images.length} pictures`, ...(verb === "caption" ? [] : [`${texts.length} texts`])];
  for (const dtype of ["fp16", "int8"] as const) {
    console.log(`${source}, ${verb}, ${dtype} beside fp32: ${counted.join(", ")}`);
    console.log(accuracyTable(await accuracy(verb, inType("fp32"), inType(dtype), images, texts)));
  }
}

await report(model, task);
const captioner = values.caption ?? model;
if (task !== "caption") {
  const { tasks } = await inspect(captioner);
  if (tasks.includes("caption")) await report(captioner, "caption");
  else
    console.log(
      `captions: ${captioner} has no captioning head (it does ${tasks.join(", ")}); name a model that has one: --caption MODEL`,
    );
}
