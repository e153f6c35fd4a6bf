// A folder's texts without images are named in a warning, whoever reads the folder.
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Warning } from "@blip-ts/base";
import { evaluate } from "blip-ts";
import { capfilt, train } from "blip-ts/train";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";

const model = fixture("tiny/pretrain-original");
let root = "";
const folder = () => join(root, "photos");
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-texts-"));
  await mkdir(folder());
  for (const name of ["astronaut", "coffee"]) {
    await copyFile(fixture(`images/${name}.jpg`), join(folder(), `${name}.jpg`));
    await writeFile(join(folder(), `${name}.txt`), "a picture");
  }
  await writeFile(join(folder(), "rocket.txt"), "a rocket");
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Listener = (warning: Warning) => void;

test.each<[string, (onWarning: Listener) => Promise<unknown>]>([
  ["evaluate", (onWarning) => evaluate("caption", folder(), { model, beams: 1, onWarning })],
  ["capfilt", (onWarning) => capfilt(folder(), join(root, "kept"), { captioner: model, html: 0, onWarning })],
  [
    "train, whose phases read the same files",
    (onWarning) => {
      const phases = [{ steps: 1 }, { steps: 1, prompt: "" }];
      const recipe = { batchSize: 2, phases };
      const options = {
        model: fixture("tiny/caption"),
        out: join(root, "run"),
        seed: 1,
        threads: 1,
        workers: 0,
      };
      return train("caption", folder(), { ...options, recipe, onWarning });
    },
  ],
])("%s", async (_, run) => {
  const messages: string[] = [];
  await run(({ code, message }) => {
    if (code === "dataset/texts-left-out") messages.push(message);
  });
  expect(messages).toEqual([expect.stringContaining('none beside 1 of them, left out: "rocket.txt"')]);
});
