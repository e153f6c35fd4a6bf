// How far half precision and 8 bits are from float32: the example scenes with all their sentences, true and false, by
// the embedded model; or a model's own task on the pictures given.
// Run: npx tsx bench/accuracy.ts [MODEL TASK PICTURE...]
import { readFile } from "node:fs/promises";
import type { NetworkDType } from "blip-ts";
import { accuracy, accuracyTable, defaultTexts } from "../packages/cli/src/accuracy.ts";

interface Scene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
}

const [model = "picture-book", task = "match", ...given] = process.argv.slice(2);
const scenes = JSON.parse(
  await readFile(new URL("../examples/scenes/scenes.json", import.meta.url), "utf8"),
) as Scene[];
const images = given.length > 0 ? given : scenes.map(({ image }) => `examples/scenes/${image}`);
const texts = given.length > 0 ? defaultTexts : scenes.flatMap((scene) => [scene.true, scene.false]);
const inType = (dtype: NetworkDType) => ({
  source: model,
  options: { dtype, onWarning: () => undefined },
});
for (const dtype of ["fp16", "int8"] as const) {
  console.log(`${model}, ${task}, ${dtype} beside fp32: ${images.length} pictures, ${texts.length} texts`);
  console.log(accuracyTable(await accuracy(task, inType("fp32"), inType(dtype), images, texts)));
}
