// Suites of tiny models. Their image encoders are made equal: each gets the first one's weights.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { fileSource } from "../../src/platform/node/local-files.ts";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import { convert } from "../../src/tools/convert.ts";
import { makeSuite } from "../../src/tools/make-suite.ts";
import { fixture } from "./goldens.ts";

const quiet = { onWarning: () => undefined };

/** Models of fixtures/tiny whose image encoders have equal sizes. */
const models = {
  match: "match",
  caption: "caption",
  ask: "vqa-original",
  compare: "nlvr-original",
} as const;

export type PartTask = keyof typeof models;

const tensorsOf = async (file: string) => (await readSafetensors(await fileSource(file))).tensors;

/**
 * Makes one folder per task, with equal image encoders.
 * @param root the folder to make them in
 */
export async function tinyParts(root: string): Promise<Record<PartTask, string>> {
  const folders = {
    ...{ match: join(root, "of-match"), caption: join(root, "of-caption") },
    ...{ ask: join(root, "of-ask"), compare: join(root, "of-compare") },
  };
  for (const task of Object.keys(models) as PartTask[])
    await convert(nodePlatform, fixture(`tiny/${models[task]}`), folders[task], { task, ...quiet });
  const first = await tensorsOf(join(folders.match, "model.safetensors"));
  for (const folder of [folders.caption, folders.ask, folders.compare]) {
    const path = join(folder, "model.safetensors");
    const own = await tensorsOf(path);
    const file = await open(path, "r+");
    try {
      for (const [name, tensor] of first) {
        if (!name.startsWith("vision_model.")) continue;
        const place = own.get(name);
        if (place?.byteLength !== tensor.byteLength) throw new Error(`${path}: ${name} has another size`);
        await file.write(await readTensorBytes(tensor), 0, tensor.byteLength, place.offset);
      }
    } finally {
      await file.close();
    }
  }
  return folders;
}

/** Makes a suite from such folders. */
export async function tinySuite(
  parts: Readonly<Record<PartTask, string>>,
  folder: string,
  tasks: readonly PartTask[],
): Promise<string> {
  const named = tasks.map((task) => ({ task, model: parts[task] }));
  await makeSuite(nodePlatform, named, folder, quiet);
  return folder;
}
