// Run by Node, Bun and Deno: matches, captions and answers with tiny models, also in half precision. Prints the results
// as JSON.
// node tiny-goldens.mjs DOOR QUESTIONS, where DOOR is the built package and QUESTIONS a JSON file of the test.
import { readFile } from "node:fs/promises";
import process from "node:process";
import { pathToFileURL } from "node:url";

const [door = "", questions = ""] = process.argv.slice(2);
const {
  Batched,
  BlipForConditionalGeneration,
  BlipForImageTextRetrieval,
  BlipForQuestionAnswering,
  BlipProcessor,
  match,
  Matcher,
} = await import(pathToFileURL(door).href);
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

/** The best caption and the best answer in a type, with tokens and score. */
async function bestIn(dtype) {
  const options = { dtype, onWarning: () => undefined };
  const captioner = await BlipForConditionalGeneration.fromPretrained(asked.caption.model, options);
  const [[caption]] = await captioner.generate(
    { pixelValues: floats(asked.caption.first) },
    asked.caption.options[0],
  );
  await captioner[Symbol.asyncDispose]();
  const answerer = await BlipForQuestionAnswering.fromPretrained(asked.ask.model, options);
  const words = await BlipProcessor.fromPretrained(asked.ask.model);
  const question = words.textProcessor.encode(asked.ask.questions);
  const [[answer]] = await answerer.generate(
    { pixelValues: floats(asked.ask.pixels), ...question },
    asked.ask.options,
  );
  await answerer[Symbol.asyncDispose]();
  return { caption, answer };
}
const [float, half] = [await bestIn("fp32"), await bestIn("fp16")];

const [scene] = await match([asked.scene.image], [asked.scene.text]);
// A child process decodes its images.
const matcher = await Matcher.fromPretrained("picture-book");
const batched = new Batched({ matcher });
const [served] = await batched.match(asked.scene.image, [asked.scene.text]);
await batched.close();
await matcher.close();
console.log(
  JSON.stringify({
    logits: Array.from(itmScore.data),
    captions: captions.map((rows) => rows.map((row) => row.map(({ tokens }) => tokens))),
    float,
    half,
    probability: scene.probability,
    served: served.probability,
  }),
);
