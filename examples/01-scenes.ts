// The embedded model matches each example scene with the sentence that made it, and with one that an edit makes false.
// Run: npx tsx examples/01-scenes.ts
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Matcher } from "blip-ts";

interface Scene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
}

const folder = new URL("scenes/", import.meta.url);
const scenes = JSON.parse(await readFile(new URL("scenes.json", folder), "utf8")) as Scene[];

await using matcher = await Matcher.fromPretrained("picture-book");
let right = 0;
for (const scene of scenes) {
  const image = fileURLToPath(new URL(scene.image, folder));
  const probabilities: number[] = [];
  for await (const row of matcher.match([image], [scene.true, scene.false]))
    if ("probability" in row) probabilities.push(row.probability);
  const [fits = NaN, fitsNot = NaN] = probabilities;
  if (fits > fitsNot) right++;
  const percent = (value: number) => `${(value * 100).toFixed(1).padStart(5)} %`;
  console.log(`${scene.image}  ${percent(fits)}  ${scene.true}\n        ${percent(fitsNot)}  ${scene.false}`);
}
console.log(`${right} of ${scenes.length} scenes: the true sentence is ranked over the false one`);
