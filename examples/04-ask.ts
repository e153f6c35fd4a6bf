// Answers questions about an image: freely, and by ranking a list of answers as BLIP does for VQA.
// Run: npx tsx examples/04-ask.ts [MODEL] [IMAGE] (photographs: Salesforce/blip-vqa-base)
import { fileURLToPath } from "node:url";
import { Answerer } from "blip-ts";

const model = process.argv[2] ?? "picture-book";
const image = process.argv[3] ?? fileURLToPath(new URL("scenes/03.png", import.meta.url));
const questions = ["what is the place?", "what color is the dress?"];

await using answerer = await Answerer.fromPretrained(model);

for await (const row of answerer.ask([image], questions))
  if ("answer" in row) console.log(`${row.question} ${row.answer}`);

const answers = ["lobby", "forest", "red", "green", "2"];
for await (const row of answerer.ask([image], questions, { answers }))
  if ("answer" in row)
    console.log(`${row.question} of ${answers.length} answers: ${row.answer} (${row.score.toFixed(2)})`);
