// The embedded model's tasks on the example scenes. It matches each scene with a true sentence and with one that an edit
// makes false, captions it and answers a question about it. Then it judges statements about two images.
// Run: npx tsx examples/01-scenes.ts
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Blip } from "blip-ts";

interface Scene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
  readonly question: string;
  readonly answer: string;
}

interface Pair {
  readonly left: string;
  readonly right: string;
  readonly statement: string;
  readonly label: boolean;
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(file(path), "utf8"));
const percent = (value: number) => `${(value * 100).toFixed(1).padStart(5)} %`;
const show = (name: string, what: string, text: string) =>
  console.log(`${name.padEnd(8)}  ${what.padEnd(7)}  ${text}`);

const scenes = (await json("scenes/scenes.json")) as readonly Scene[];
const pairs = (await json("pairs/pairs.json")) as readonly Pair[];
const right = { match: 0, ask: 0, compare: 0 };
const blip = await Blip.fromPretrained("picture-book");

for (const scene of scenes) {
  const image = await blip.image(file(`scenes/${scene.image}`));
  const [fits, fitsNot] = await image.match([scene.true, scene.false]);
  const [caption] = await image.caption();
  const [answer] = await image.ask(scene.question);
  await image.close();
  if (!fits || !fitsNot || !caption || !answer) throw new Error("expected an answer to each question");
  if (fits.probability > fitsNot.probability) right.match++;
  if (answer.answer === scene.answer) right.ask++;
  show(scene.image, percent(fits.probability), scene.true);
  show("", percent(fitsNot.probability), scene.false);
  show("", "caption", caption.caption);
  show("", "answer", `${scene.question} ${answer.answer}`);
}

for (const { left, right: other, statement, label } of pairs) {
  const images = [file(`pairs/${left}`), file(`pairs/${other}`)] as const;
  for await (const row of blip.compare(images, [statement])) {
    if (row.error) throw new Error(row.error.message);
    if (row.label === label) right.compare++;
    show(`pair ${left.slice(0, 2)}`, percent(row.probability), statement);
  }
}
await blip.close();

console.log(`
${right.match} of ${scenes.length} scenes: the true sentence is ranked over the false one
${right.ask} of ${scenes.length} questions: the answer is right
${right.compare} of ${pairs.length} statements: judged right`);
