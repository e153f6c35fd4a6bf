// Searches: finds the scene for each sentence. Cosine ranks all scenes, ITM re-ranks the best. Prints the recall of
// both.
// Run: npx tsx examples/06-retrieve.ts [MODEL]
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { retrievalMetrics, Retriever } from "blip-ts";

const folder = new URL("scenes/", import.meta.url);
const scenes = JSON.parse(await readFile(new URL("scenes.json", folder), "utf8")) as readonly {
  readonly image: string;
  readonly true: string;
}[];
const images = scenes.map(({ image }) => fileURLToPath(new URL(image, folder)));
const texts = scenes.map((scene) => scene.true);

await using retriever = await Retriever.fromPretrained(process.argv[2] ?? "picture-book");
for (const k of [0, 4]) {
  const places: number[][] = [];
  for await (const row of retriever.byText(images, texts, { k })) {
    if (row.error) throw new Error(row.error.message);
    // Turns the order of the hits into a score for each image, which the metrics need.
    places.push(images.map((image) => -row.hits.findIndex((hit) => hit.image === image)));
    const [best] = row.hits;
    if (k > 0 && best) console.log(`${best.image.slice(-6)}  ${row.text}`);
  }
  const { r1, r5, medianRank } = retrievalMetrics(
    places,
    texts.map((_, index) => [index]),
  );
  console.log(
    `${k === 0 ? "cosine alone" : `ITM re-ranks ${k}`}: R@1 ${r1.toFixed(1)} %, R@5 ${r5.toFixed(1)} %, median rank ${medianRank}`,
  );
}
