// The example scenes as training data.
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const scenes = fileURLToPath(new URL("../../../../examples/scenes/", import.meta.url));

export interface Scene {
  readonly image: string;
  readonly true: string;
  readonly false: string;
}

/** The first scenes, each with an image, a true sentence and a false one. */
export async function sceneList(count: number): Promise<readonly Scene[]> {
  const all = JSON.parse(await readFile(join(scenes, "scenes.json"), "utf8")) as readonly Scene[];
  return all.slice(0, count);
}

export const sceneFile = (scene: Scene): string => join(scenes, scene.image);

/** Writes a folder of images and a data.jsonl with one row per scene. @returns the path of data.jsonl */
export async function sceneData(
  folder: string,
  list: readonly Scene[],
  row: (scene: Scene, index: number) => Readonly<Record<string, unknown>>,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const scene of list) await copyFile(sceneFile(scene), join(folder, scene.image));
  const file = join(folder, "data.jsonl");
  await writeFile(file, list.map((scene, index) => `${JSON.stringify(row(scene, index))}\n`).join(""));
  return file;
}
