// Tests whether statements about two images are true. For photographs pass the NLVR2 checkpoint of BLIP's authors, a
// .pth file as published.
// Run: npx tsx examples/05-compare.ts [MODEL] [LEFT] [RIGHT]
import { fileURLToPath } from "node:url";
import { Comparer } from "blip-ts";

const pair = (side: string) => fileURLToPath(new URL(`pairs/01-${side}.png`, import.meta.url));
const [model = "picture-book", left = pair("left"), right = pair("right")] = process.argv.slice(2);

await using comparer = await Comparer.fromPretrained(model);
const statements = ["there is a helicopter in both images", "only the left image has a helicopter"];
for await (const row of comparer.compare([left, right], statements)) {
  if (row.error) throw new Error(row.error.message);
  console.log(
    `${row.label ? "true " : "false"}  ${(row.probability * 100).toFixed(1).padStart(5)} %  ${row.statement}`,
  );
}
