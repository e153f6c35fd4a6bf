// Runs CapFilt on the example scenes: the embedded model captions each, and keeps the matching web and synthetic texts.
// Run: npx tsx examples/12-capfilt.ts
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { capfilt, captionImages, filterPairs } from "blip-ts/train";

const scenes = fileURLToPath(new URL("scenes/", import.meta.url));
const work = await mkdtemp(join(tmpdir(), "capfilt-"));

// The web texts: every second image has a wrong one.
const list = JSON.parse(await readFile(join(scenes, "scenes.json"), "utf8")) as {
  readonly image: string;
  readonly true: string;
  readonly false: string;
}[];
const web = list.map(({ image, ...texts }, n) => ({
  image,
  caption: n % 2 === 0 ? texts.true : texts.false,
}));
await writeFile(join(work, "web.jsonl"), web.map((row) => `${JSON.stringify(row)}\n`).join(""));

const out = join(work, "out");
const report = await capfilt(join(work, "web.jsonl"), out, {
  ...{ captioner: "picture-book", filter: "picture-book", reader: { imageRoot: scenes } },
});
const kept = (await readFile(join(out, "kept/metadata.jsonl"), "utf8"))
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { image: string; caption: string; capfilt_kind: string });
for (const { image, caption } of web) {
  const own = kept.filter((row) => row.image === image);
  const said = own.map((row) => `\n        kept: ${row.caption} (${row.capfilt_kind})`);
  console.log(`${image}  ${caption}${said.join("")}`);
}
for (const [kind, { texts, keptTexts, droppedShare }] of [
  ["web", report.web],
  ["synthetic", report.synthetic],
] as const)
  console.log(`${kind}: ${keptTexts} of ${texts} texts kept, ${(100 * droppedShare).toFixed(0)} % dropped`);
console.log(`${report.pairs} pairs in kept/, images and dropped texts in ${report.files.at(-1)}`);

// The captioner and the filter alone, on other rows.
const [first] = list;
if (first === undefined) throw new Error("scenes.json has no scenes");
const image = join(scenes, first.image);
for await (const row of captionImages([{ image }], { seed: 1 }))
  console.log("caption" in row ? `drawn: ${row.caption} (seed ${row.seed})` : row.error.message);
for await (const row of filterPairs([{ image, texts: [first.true, first.false] }]))
  if ("judged" in row)
    for (const { text, probability, isKept } of row.judged)
      console.log(`${isKept ? "kept" : "dropped"}: ${text} (${(probability ?? 0).toFixed(3)})`);
await rm(work, { recursive: true });
