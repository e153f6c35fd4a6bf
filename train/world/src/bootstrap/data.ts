// Makes a seed's data: web images with noisy texts, clean pairs, a true caption per web image, and held-out test
// scenes.
import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { conceptsIn } from "../scene/graph.ts";
import { sceneSource } from "../scene/sample.ts";
import { make, type MakeOptions } from "../write/make.ts";
import { rowsOf, type TaskName } from "../write/rows.ts";
import { readJson, readLines, writeJson } from "../work/files.ts";
import type { WorkPaths } from "./paths.ts";
import type { Pair, Patches } from "./sets.ts";
import type { BootstrapSettings } from "./settings.ts";

/** The first number of clean scenes; web scenes have lower numbers. */
const firstClean = 100_000;
/** The first number of the encoder's scenes. */
const firstEncoder = 200_000;
/** The seed of the test scenes, which all seeds share. */
const testSeed = 1;

/** The facts about a web image. */
export interface Truth {
  readonly caption: string;
  readonly things: readonly string[];
}

type Asked = Pick<MakeOptions, "split" | "count" | "first" | "each" | "seed" | "blind" | "patches"> & {
  readonly task: TaskName;
};

/**
 * Makes a data folder unless it is complete. A folder without `world.json`, which is written last, is made again from
 * the start.
 */
async function folder(out: string, size: number, asked: Asked): Promise<void> {
  if (existsSync(join(out, "world.json"))) return;
  rmSync(out, { recursive: true, force: true });
  await make({
    ...asked,
    ...{ world: "small", size, out, format: "png", form: "list", plain: false, falseCaptions: 0 },
  });
}

/** The true caption of each web image: the caption that its scene would have in a clean set. */
function truthOf(seed: number, count: number): readonly Truth[] {
  const options = { task: "pretrain", count, first: 0, each: 1, plain: false, falseCaptions: 0 } as const;
  return [...rowsOf(sceneSource("small", "train", seed), options)].map(({ scenes, record }) => ({
    caption: [record.caption].flat()[0] as string,
    things: scenes.flatMap(conceptsIn),
  }));
}

/** @param blank makes every image grey, which needs no art: for tests */
export async function makeData(
  paths: WorkPaths,
  settings: BootstrapSettings,
  seed: number,
  blank: boolean,
): Promise<void> {
  const { imageSize, patch } = settings.stem;
  const train = { split: "train", seed, each: 1, blind: blank, patches: patch } as const;
  const test = {
    split: "S0",
    seed: testSeed,
    task: "retrieval",
    first: 0,
    count: settings.test,
    each: 5,
  } as const;
  await folder(paths.web, imageSize, { ...train, task: "web", first: 0, count: settings.web });
  await folder(paths.clean, imageSize, {
    ...{ ...train, task: "pretrain", first: firstClean, count: settings.clean },
  });
  await folder(paths.encoder, imageSize, {
    ...{ ...train, task: "pretrain", first: firstEncoder, count: settings.encoderScenes },
  });
  await folder(paths.test, imageSize, { ...test, blind: blank });
  await folder(paths.blind, imageSize, { ...test, blind: true });
  if (!existsSync(paths.truth)) writeJson(paths.truth, truthOf(seed, settings.web));
}

interface WebRow extends Pair {
  readonly noise: string;
}

/** The web pairs with the kind of each text, in order. Image paths start at the seed's folder. */
export const webPairs = (paths: WorkPaths): readonly WebRow[] =>
  (readLines(join(paths.web, "data.jsonl")) as readonly WebRow[]).map(
    ({ image, caption, noise, patches }) => ({
      ...{ image: `web/${image}`, caption, noise, patches },
    }),
  );

interface CleanRow {
  readonly image: string;
  readonly caption: readonly string[];
  readonly patches?: Patches;
}

function captionPairs(data: string): readonly Pair[] {
  return (readJson(join(data, "data.json")) as readonly CleanRow[]).flatMap(({ image, caption, patches }) =>
    caption.map((text) => ({ image: `${basename(data)}/${image}`, caption: text, patches })),
  );
}

export const cleanPairs = (paths: WorkPaths): readonly Pair[] => captionPairs(paths.clean);

export const encoderPairs = (paths: WorkPaths): readonly Pair[] => captionPairs(paths.encoder);

/** The grey image, relative to the seed's folder. */
export const blankImage = "blind/images/000/000000.png";

export const truths = (paths: WorkPaths): readonly Truth[] => readJson(paths.truth) as readonly Truth[];
