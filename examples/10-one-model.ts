// One model for several tasks: its weights are read once, and an image that several calls use is encoded once.
import { fileURLToPath } from "node:url";
import { Blip } from "blip-ts";

const scene = fileURLToPath(new URL("scenes/02.png", import.meta.url));
const blip = await Blip.fromPretrained("picture-book");
console.log(`picture-book can ${blip.tasks.join(", ")}`);

const image = await blip.image(scene);
for (const { caption } of await image.caption()) console.log(`caption: ${caption}`);
for (const { text, probability } of await image.match([
  "a fire truck",
  "a fire truck in the desert",
  "a sheep",
]))
  console.log(`${text}: ${(100 * probability).toFixed(1)} %`);
for (const { answer } of await image.ask("what is the place?")) console.log(`place: ${answer}`);
const vector = await image.embed();
console.log(`embedding: ${vector.length} numbers`);
await image.close();

// Calls over many images have the same form as in the classes for a single task.
for await (const row of blip.match([scene], ["there is a fire truck in the desert"]))
  if (row.error) console.error(row.error.message);
  else console.log(`${row.text}: ${(100 * row.probability).toFixed(1)} %`);
await blip.close();
