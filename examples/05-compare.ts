// Tests whether statements about two images are true. Uses the NLVR2 checkpoint of BLIP's authors, a .pth file as
// published.
// Run: npx tsx examples/05-compare.ts model_base_nlvr.pth [LEFT] [RIGHT]
import { fileURLToPath } from "node:url";
import { Comparer } from "blip-ts";

const scene = (number: string) => fileURLToPath(new URL(`scenes/${number}.png`, import.meta.url));
const [model, left = scene("01"), right = scene("02")] = process.argv.slice(2);
if (model === undefined) throw new Error("name the NLVR2 checkpoint: a .pth, or its folder");

await using comparer = await Comparer.fromPretrained(model);
const statements = ["there is a sheep in the left picture", "both pictures have a red background"];
for await (const row of comparer.compare([left, right], statements)) {
  if (row.error) throw new Error(row.error.message);
  console.log(
    `${row.label ? "true " : "false"}  ${(row.probability * 100).toFixed(1).padStart(5)} %  ${row.statement}`,
  );
}
