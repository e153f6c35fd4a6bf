// The tests of a model: which scenes, and how many per task.
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SplitName, WorldName } from "../scene/settings.ts";
import { make, type MakeOptions } from "../write/make.ts";

/** The scenes of the tests. The `plain` ones are like the embedded model's first training. */
export const testSets = {
  S0: { world: "full", split: "S0" },
  S1: { world: "full", split: "S1" },
  S2: { world: "full", split: "S2" },
  S2b: { world: "full", split: "S2b" },
  plain: { world: "plain", split: "S0" },
  "plain-S2b": { world: "plain", split: "S2b" },
} as const satisfies Readonly<
  Record<string, { readonly world: WorldName; readonly split: Exclude<SplitName, "train"> }>
>;

export type TestSet = keyof typeof testSets;
export const testSetNames = Object.keys(testSets) as readonly TestSet[];

/** The tasks, with the number of scenes and of texts per scene. */
export const judgedTasks = {
  match: { scenes: 1000, each: 1 },
  caption: { scenes: 500, each: 5 },
  retrieval: { scenes: 256, each: 1 },
  vqa: { scenes: 1000, each: 3 },
  nlvr: { scenes: 2000, each: 1 },
} as const satisfies Readonly<Record<string, { readonly scenes: number; readonly each: number }>>;

export type JudgedTask = keyof typeof judgedTasks;
export const judgedTaskNames = Object.keys(judgedTasks) as readonly JudgedTask[];

export interface TestOptions {
  /** The share of the scenes, above 0 and at most 1. */
  readonly share: number;
  /** Whether every image is the same grey, for models that are trained on such images. */
  readonly blind: boolean;
  /** The folder of the tests' data. */
  readonly work: string;
}

const size = 128;

/** The folder of a test's data, and its file of rows. */
export interface TestData {
  readonly folder: string;
  readonly rows: string;
}

/** Draws a test unless it exists. A folder without `world.json`, which is written last, is drawn again. */
export async function testData(
  set: TestSet,
  task: JudgedTask,
  { share, blind, work }: TestOptions,
): Promise<TestData> {
  const { scenes, each } = judgedTasks[task];
  const count = Math.max(1, Math.round(scenes * share));
  const folder = join(work, `${set}-${task}-${count}${blind ? "-blind" : ""}`);
  const options: MakeOptions = {
    ...testSets[set],
    ...{ task, count, each, first: 0, seed: 1, size, out: folder, format: "png", form: "list", blind },
    // The embedded model's first training has one sentence per scene.
    plain: testSets[set].world === "plain",
    falseCaptions: 0,
  };
  if (!existsSync(join(folder, "world.json"))) {
    rmSync(folder, { recursive: true, force: true });
    await make(options);
  }
  const name = ["data.jsonl", "data.json"].find((file) => existsSync(join(folder, file)));
  if (name === undefined) throw new Error(`${folder}: expected data.json or data.jsonl, got neither`);
  return { folder, rows: join(folder, name) };
}
