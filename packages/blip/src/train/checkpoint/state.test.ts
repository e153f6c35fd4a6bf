// States on disk: which ones are kept, what remains when a process ends in the middle, and refused states.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTensorBytes, type MadeTensor } from "@blip-ts/checkpoint";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { nodeTraining } from "../../platform/node/training-platform.ts";
import type { TrainingFiles } from "./files.ts";
import { openState, saveState, type SaveOptions, type Which } from "./state.ts";

const { files } = nodeTraining;
let root = "";
let folder = "";
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "state-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(() => {
  folder = join(root, `run-${count++}`);
});

const facts = (step: number) => ({
  ...{ objective: "caption", step, seed: 7, followed: step % 2 === 0 },
  position: { next: step },
});
const tensors = (step: number) =>
  new Map<string, MadeTensor>([
    [
      "weight w",
      {
        ...{ dtype: "float32", shape: [2], byteLength: 8 },
        async *bytes() {
          yield await Promise.resolve(new Uint8Array(Float32Array.of(step, -step).buffer));
        },
      },
    ],
  ]);

const save = (step: number, options: SaveOptions = {}, to: TrainingFiles = files) =>
  saveState(to, folder, facts(step), tensors(step), options);

/** The step of a state, whose tensors belong to the same step. */
async function stepOf(which: Which = "last"): Promise<number> {
  const opened = await openState(files, folder, which);
  const tensor = opened.tensors.get("weight w");
  if (!tensor) throw new Error("no tensor");
  const numbers = new Float32Array((await readTensorBytes(tensor)).slice().buffer);
  expect([...numbers]).toEqual([opened.facts.step, -opened.facts.step]);
  expect(opened.facts).toEqual(facts(opened.facts.step));
  return opened.facts.step;
}
const names = async () => (await readdir(folder)).sort();

test("the last state and the best one are kept, and nothing else", async () => {
  await save(1, { best: true });
  await save(2);
  await save(3);
  expect(await names()).toEqual(["step-1", "step-3", "training.json"]);
  expect([await stepOf("best"), await stepOf()]).toEqual([1, 3]);
  // The same step again: the existing states stay until the new one is complete.
  await save(1);
  expect(await names()).toEqual(["step-1", "step-1.2", "training.json"]);
  await save(1, { best: true });
  expect(await names()).toEqual(["step-1.3", "training.json"]);
  expect([await stepOf("best"), await stepOf()]).toEqual([1, 1]);
});

test("a folder that cannot be written is a failure that names it", async () => {
  await save(1);
  await writeFile(join(folder, "file"), "");
  folder = join(folder, "file");
  await expect(save(2)).rejects.toMatchObject({ code: "save/cannot-write" });
});

test("a save that is stopped leaves the states that were there", async () => {
  await save(1);
  await expect(save(2, { signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow("never");
  expect(await names()).toEqual(["step-1", "training.json"]);
});

/** The files of a process that ends before its nth change. */
function until(calls: number): { readonly files: TrainingFiles; ended(): boolean } {
  let left = calls;
  const spend = () => {
    if (left-- <= 0) throw new Error("killed");
  };
  return {
    ended: () => left < 0,
    files: {
      ...files,
      createFolder: async (path) => {
        spend();
        const writer = await files.createFolder(path);
        return {
          ...writer,
          write: async (file, content) => {
            spend();
            await writer.write(file, content);
          },
          commit: async () => {
            spend();
            await writer.commit();
          },
          // A dead process removes nothing.
          close: () => Promise.resolve(),
        };
      },
      replaceText: async (path, text) => {
        spend();
        await files.replaceText(path, text);
      },
      remove: async (path) => {
        spend();
        await files.remove(path);
      },
    },
  };
}

test("whenever a process ends while it saves, whole states are there", async () => {
  await save(1, { best: true });
  const found: number[] = [];
  for (let calls = 0, ended = true; ended; calls++) {
    const dying = until(calls);
    await save(calls + 2, {}, dying.files).catch((error: unknown) =>
      expect(error).toEqual(new Error("killed")),
    );
    ended = dying.ended();
    expect(await stepOf("best")).toBe(1);
    found.push(await stepOf());
  }
  // Without remove, createFolder, two files or the rename, the new state is lost. With training.json it is the last
  // one.
  expect(found.slice(0, 7)).toEqual([1, 1, 1, 1, 1, 1, 8]);
  // Leftovers are removed at the end.
  const last = found.at(-1) ?? NaN;
  expect(last).toBeGreaterThan(8);
  expect(await names()).toEqual(["step-1", `step-${last}`, "training.json"]);
});

describe("a state is refused", () => {
  beforeEach(() => save(1));

  test("if there is none", async () => {
    await expect(openState(files, folder, "best")).rejects.toMatchObject({ code: "train/no-state" });
    await expect(openState(files, join(folder, "nowhere"))).rejects.toMatchObject({ code: "train/no-state" });
    await rm(join(folder, "step-1/state.json"));
    await expect(openState(files, folder)).rejects.toMatchObject({ code: "train/no-state" });
  });

  test.each<[string, string, string]>([
    ["training.json", "{", "a JSON object"],
    ["training.json", '{"version":2,"last":"step-1"}', "version: expected 1, got 2"],
    ["training.json", '{"version":1,"last":"../elsewhere"}', "last: expected the name of a state"],
    ["training.json", '{"version":1,"last":"step-1./../x"}', "last: expected the name of a state"],
    ["training.json", '{"version":1,"last":"step-1","best":3}', "best: expected the name of a state, got 3"],
    ["step-1/state.json", "[]", "a JSON object"],
    [
      "step-1/state.json",
      '{"version":1,"objective":"caption","step":-1,"seed":0}',
      "step: expected a whole number",
    ],
    ["step-1/state.json", '{"version":1,"step":1,"seed":0}', "objective: expected a name"],
    ["step-1/state.json", '{"version":1,"objective":"caption","step":1}', "seed: expected a number"],
    ["step-1/state.json", '{"version":3}', "version: expected 1, got 3"],
  ])("if %s is %s", async (file, text, message) => {
    await writeFile(join(folder, file), text);
    await expect(openState(files, folder)).rejects.toMatchObject({
      code: "train/state",
      message: expect.stringContaining(message) as string,
    });
  });

  test("if its tensors are cut off", async () => {
    const path = join(folder, "step-1/state.safetensors");
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    await expect(openState(files, folder)).rejects.toThrow("state.safetensors");
  });
});
