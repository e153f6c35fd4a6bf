// Captions an image with BLIP's own beam search, with several samples, and as a stream of tokens.
// Run: npx tsx examples/03-caption.ts [MODEL] [IMAGE] (photographs: Salesforce/blip-image-captioning-base)
import { fileURLToPath } from "node:url";
import { Captioner } from "blip-ts";

const model = process.argv[2] ?? "picture-book";
const image = process.argv[3] ?? fileURLToPath(new URL("scenes/08.png", import.meta.url));

await using captioner = await Captioner.fromPretrained(model);

for await (const row of captioner.caption([image]))
  if ("caption" in row)
    console.log(`3 beams: ${row.caption} (log-probability ${row.logProbability.toFixed(2)})`);

for await (const row of captioner.caption([image], { sample: true, topP: 0.9, numReturn: 3, seed: 1 }))
  if ("caption" in row) console.log(`drawn:   ${row.caption}`);

for await (const row of captioner.caption([image], { prompt: "a picture of" }))
  if ("caption" in row) console.log(`begun:   a picture of ${row.caption}`);

let caption = "";
for await (const token of captioner.stream(image)) {
  process.stdout.write(caption === "" ? "greedy:  " : token.caption.slice(caption.length));
  if (caption === "") process.stdout.write(token.caption);
  ({ caption } = token);
}
process.stdout.write("\n");
