// Embeds images as unit vectors, in the same space as texts, and finds the most similar scene for each scene.
// Run: npx tsx examples/07-embed.ts [MODEL]
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Embedder } from "blip-ts";

const folder = new URL("scenes/", import.meta.url);
const names = (await readdir(folder)).filter((name) => name.endsWith(".png")).sort();

await using embedder = await Embedder.fromPretrained(process.argv[2] ?? "picture-book");
const vectors = new Map<string, readonly number[]>();
for await (const row of embedder.embedImages(names.map((name) => fileURLToPath(new URL(name, folder)))))
  if ("embedding" in row) vectors.set(row.image.slice(-6), row.embedding);

const cosine = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, index) => sum + x * (b[index] ?? 0), 0);
for (const [name, vector] of vectors) {
  const others = [...vectors].filter(([other]) => other !== name);
  const [nearest] = others
    .map(([other, its]) => ({ other, cosine: cosine(vector, its) }))
    .sort((a, b) => b.cosine - a.cosine);
  if (nearest)
    console.log(
      `${name} is most like ${nearest.other}  (cosine ${nearest.cosine.toFixed(3)}, ${vector.length} numbers)`,
    );
}
