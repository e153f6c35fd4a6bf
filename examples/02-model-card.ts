// The model card's example, on a scene and with the embedded model. For photographs pass
// Salesforce/blip-itm-base-flickr.
// Run: npx tsx examples/02-model-card.ts
import { fileURLToPath } from "node:url";
import { BlipForImageTextRetrieval, BlipProcessor } from "blip-ts";

const id = process.argv[2] ?? "picture-book";
const image = process.argv[3] ?? fileURLToPath(new URL("scenes/02.png", import.meta.url));
const question = process.argv[4] ?? "there is a fire truck in the desert";

const processor = await BlipProcessor.fromPretrained(id, { task: "match" });
await using model = await BlipForImageTextRetrieval.fromPretrained(id);
const inputs = await processor(image, question);

const { itmScore } = await model.forward(inputs);
const cosine = (await model.forward(inputs, { useItmHead: false })).itmScore;
console.log("ITM logits", [...itmScore.data], "cosine", cosine.data[0]);
