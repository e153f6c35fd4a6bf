// Inspects an original checkpoint, converts it to a folder that transformers loads, and compares the scores of both.
// Run: npx tsx examples/08-convert.ts model_base_retrieval_flickr.pth OUT
import { fileURLToPath } from "node:url";
import { convert, inspect, match } from "blip-ts";

const [source, out] = process.argv.slice(2);
if (source === undefined || out === undefined)
  throw new Error("name a checkpoint and a folder that does not exist yet");

const { format, dialect, parameters, tasks, warnings } = await inspect(source);
console.log(`${format}, ${dialect} names, ${parameters} parameters, can ${tasks.join(", ")}`);
for (const { message } of warnings) console.log(message);

const { architecture } = await convert(source, out, { task: "match" });
console.log(`written as ${architecture}`);

const image = fileURLToPath(new URL("scenes/01.png", import.meta.url));
for (const model of [source, out]) {
  const [row] = await match([image], ["a lemon to the right of a light bulb"], { model });
  if (row && "logits" in row) console.log(`${model}: logits ${row.logits.join(" ")}, cosine ${row.cosine}`);
}
