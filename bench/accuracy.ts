// Compares half precision and 8 bits with float32: the embedded model matches the example scenes with all their
// sentences, true and false, and a captioning model captions them; or the given model runs its own task on the given
// images.
// Run: npx tsx bench/accuracy.ts [--caption MODEL] [MODEL TASK IMAGE...]
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
  const counted = [`${images.length} images`, ...(verb === "caption" ? [] : [`${texts.length} texts`])];
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
