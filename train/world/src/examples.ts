// `npm run world -- examples`: writes examples/scenes and examples/pairs. The scenes are the first ones of S0, so no model
// was trained on them, and none is chosen by its score.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { must } from "@blip-ts/base";
import { readSprites } from "./art/sprites.ts";
import { Drawer } from "./draw/draw.ts";
import { readPanoramas } from "./draw/photo.ts";
import { conceptsIn, type Scene } from "./scene/graph.ts";
import { sceneSource, type SceneSource } from "./scene/sample.ts";
import { ImageMaker } from "./write/images.ts";
import { rowsOf, type Row, type TaskName } from "./write/rows.ts";
import { writeJson } from "./work/files.ts";

const examplesFolder = fileURLToPath(new URL("../../../examples/", import.meta.url));
const sizes = { scenes: 12, pairs: 4, side: 128 } as const;
/** More scenes than examples, because some have no false caption or no question. */
const drafts = 2 * sizes.scenes;

/** An example: a scene with a true and a false caption, a question with its answer, and the names of its things. */
export interface ExampleScene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
  readonly question: string;
  readonly answer: string;
  readonly things: readonly string[];
}

/** Two images with a statement that is true or false of them. */
export interface ExamplePair {
  readonly left: string;
  readonly right: string;
  readonly statement: string;
  readonly label: boolean;
}

export interface Examples {
  readonly scenes: readonly (ExampleScene & { readonly scene: Scene })[];
  readonly pairs: readonly (ExamplePair & { readonly scenes: readonly Scene[] })[];
}

const source = (): SceneSource => sceneSource("full", "S0", 1);

/** The rows of a task's test, as `make --split S0 --each 1` has them. */
export const testRows = (task: TaskName, count: number): readonly Row[] => [
  ...rowsOf(source(), { task, count, first: 0, each: 1, plain: false, falseCaptions: 0 }),
];

const name = (index: number): string => String(index + 1).padStart(2, "0");
const text = ({ record }: Row, field: string): string => record[field] as string;

/** The examples' texts, with their scenes. */
export function examples(): Examples {
  const questions = new Map(testRows("vqa", drafts).map((row) => [must(row.scenes, 0).key, row]));
  const scenes = testRows("match", drafts).flatMap((row) => {
    const scene = must(row.scenes, 0);
    const asked = questions.get(scene.key);
    return asked === undefined ? [] : [{ row, asked, scene }];
  });
  return {
    scenes: scenes.slice(0, sizes.scenes).map(({ row, asked, scene }, index) => ({
      ...{ image: `${name(index)}.png`, true: text(row, "true_caption"), false: text(row, "false_caption") },
      ...{ question: text(asked, "question"), answer: must(asked.record.answers as readonly string[], 0) },
      ...{ things: conceptsIn(scene), scene },
    })),
    pairs: testRows("nlvr", sizes.pairs).map((row, index) => ({
      ...{ left: `${name(index)}-left.png`, right: `${name(index)}-right.png` },
      ...{ statement: text(row, "sentence"), label: text(row, "label") === "True", scenes: row.scenes },
    })),
  };
}

/** Writes the examples in place of those in the folder. @throws {WorldError} `world/art-missing` */
export async function writeExamples(folder: string): Promise<void> {
  const { catalogue, styles } = source();
  const sprites = readSprites(catalogue, styles);
  const drawer = new Drawer(catalogue, sprites, await readPanoramas(), sizes.side);
  const maker = new ImageMaker(drawer, sizes.side, "png");
  const { scenes, pairs } = examples();
  const images = [
    ...scenes.map(({ image, scene }) => [`scenes/${image}`, scene] as const),
    ...pairs.flatMap(({ left, right, scenes: [first, second] }) =>
      [left, right].map((image, side) => [`pairs/${image}`, must([first, second], side)] as const),
    ),
  ];
  for (const kind of ["scenes", "pairs"]) {
    rmSync(join(folder, kind), { recursive: true, force: true });
    mkdirSync(join(folder, kind), { recursive: true });
  }
  const files = await maker.files(images.flatMap(([, scene]) => scene ?? []));
  images.forEach(([image], index) => writeFileSync(join(folder, image), must(files, index)));
  writeJson(join(folder, "scenes/scenes.json"), listed(scenes, "scene"));
  writeJson(join(folder, "pairs/pairs.json"), listed(pairs, "scenes"));
}

/** The rows without their scenes. */
export const listed = <Item extends object>(rows: readonly Item[], drawn: keyof Item): readonly object[] =>
  rows.map((row) => Object.fromEntries(Object.entries(row).filter(([field]) => field !== drawn)));

export function addExamples(program: Command): void {
  program
    .command("examples")
    .description("draw examples/scenes and examples/pairs again: the first scenes and statements of S0")
    .option("--out <DIR>", "the folder of scenes/ and pairs/", examplesFolder)
    .action(({ out }: { readonly out: string }) => writeExamples(out));
}
