// Fine-tunes the embedded model on the example scenes with new captions, evaluates it before and after, and uses it.
// Run: npx tsx examples/11-fine-tune.ts
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { caption, evaluate } from "blip-ts";
import { train } from "blip-ts/train";

const scenes = fileURLToPath(new URL("scenes/", import.meta.url));
const work = await mkdtemp(join(tmpdir(), "fine-tune-"));
const captions: Readonly<Record<string, string>> = {
  "01.png": "a cat in a forest",
  "02.png": "a bus in the desert",
  "03.png": "two bicycles in the lobby",
  "04.png": "the sun",
};

// Data: images, and one JSON row per image.
const rows = Object.entries(captions).map(([image, text]) => JSON.stringify({ image, caption: text }));
for (const image of Object.keys(captions)) await copyFile(join(scenes, image), join(work, image));
await writeFile(join(work, "captions.jsonl"), `${rows.join("\n")}\n`);

const report = await train("caption", join(work, "captions.jsonl"), {
  ...{ model: "picture-book", out: join(work, "run"), recipe: "few", epochs: 20, lr: 5e-4 },
  ...{ augment: false, dropout: 0 },
  onPlan: ({ memory, trained }) =>
    console.log(`${trained} numbers are trained, in ${Math.ceil(memory.total / 1e6)} MB`),
  onEpoch: ({ epoch, loss }) => console.log(`epoch ${epoch + 1}: loss ${loss.toFixed(3)}`),
});

// Evaluate: CIDEr-D of greedy captions, which is at most 10.
for (const [name, model] of Object.entries({ before: "picture-book", after: report.model })) {
  const { results } = await evaluate("caption", join(work, "captions.jsonl"), { model, beams: 1 });
  console.log(`CIDEr-D ${name}: ${Number(results.ciderD).toFixed(2)}`);
}

// Use.
const images = Object.keys(captions).map((image) => join(work, image));
const before = await caption(images, { model: "picture-book" });
const after = await caption(images, { model: report.model });
let right = 0;
after.forEach((row, index) => {
  const [image, wanted] = Object.entries(captions)[index] ?? [];
  const old = before[index];
  if (!("caption" in row) || !old || !("caption" in old) || image === undefined) return;
  if (row.caption === wanted) right++;
  console.log(`${image}  before: ${old.caption}\n        after:  ${row.caption}`);
});
const { loss } = report;
console.log(
  `${right} of ${images.length} captions as taught, after ${report.steps} steps (loss ${loss?.toFixed(3)})`,
);
const metrics = await readFile(join(work, "run/metrics.jsonl"), "utf8");
console.log(`${metrics.trim().split("\n").length} rows in metrics.jsonl`);
await rm(work, { recursive: true });
