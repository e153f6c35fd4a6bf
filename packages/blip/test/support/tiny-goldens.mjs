// Run by Node, Bun and Deno alike: matching, captions and answers of tiny models, as JSON on standard output.
// node tiny-goldens.mjs DOOR QUESTIONS, where DOOR is the built package and QUESTIONS a JSON file of the test.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [door = "", questions = ""] = process.argv.slice(2);
const { BlipForConditionalGeneration, BlipForImageTextRetrieval, BlipProcessor, match } = await import(
  pathToFileURL(door).href
);
const asked = JSON.parse(await readFile(questions, "utf8"));
const floats = ({ dims, data }) => ({ dtype: "float32", dims, data: Float32Array.from(data) });

const processor = await BlipProcessor.fromPretrained(asked.match.model);
const matching = await BlipForImageTextRetrieval.fromPretrained(asked.match.model);
const inputs = {
  pixelValues: floats(asked.match.pixels),
  ...processor.textProcessor.encode(asked.match.texts),
};
const { itmScore } = await matching.forward(inputs);
await matching.close();

const captioning = await BlipForConditionalGeneration.fromPretrained(asked.caption.model);
const captions = [];
for (const options of asked.caption.options)
  captions.push(await captioning.generate({ pixelValues: floats(asked.caption.pixels) }, options));
await captioning.close();

const [scene] = await match([asked.scene.image], [asked.scene.text]);
console.log(
  JSON.stringify({
    logits: Array.from(itmScore.data),
    captions: captions.map((rows) => rows.map((row) => row.map(({ tokens }) => tokens))),
    probability: scene.probability,
  }),
);
