// Models without published results: the checks of sound ones, and of ones with a defect.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "@blip-ts/checkpoint";
import { afterAll, describe, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { fileSource } from "../../platform/node/local-files.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import type { VerbOptions } from "../../verbs/image-batches.ts";
import { checkModel, type Check } from "./check-model.ts";
import { decideHeads } from "./verify-all.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function checksOf(model: string, options: VerbOptions = {}): Promise<Check[]> {
  const found: Check[] = [];
  for await (const one of checkModel(nodePlatform, model, options)) found.push(one);
  return found;
}

const failedOf = (checks: readonly Check[]) => checks.filter(({ passed }) => !passed).map(({ what }) => what);

/** A copy of a tiny model with one tensor filled with a number. */
async function filled(model: string, tensor: string, value: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "blip-check-"));
  folders.push(folder);
  await cp(fixture(`tiny/${model}`), folder, { recursive: true });
  const name = (await readdir(folder)).find((one) => one.endsWith(".safetensors")) ?? "";
  const { tensors } = await openCheckpoint(await fileSource(join(folder, name)));
  const stored = tensors.get(tensor);
  if (!stored) throw new Error(`there is no ${tensor}`);
  const bytes = await readFile(join(folder, name));
  for (let at = 0; at < stored.byteLength; at += 4) bytes.writeFloatLE(value, stored.offset + at);
  await writeFile(join(folder, name), bytes);
  return folder;
}

describe("a sound model passes all checks of its tasks", () => {
  test.each([
    ["match", ["norms of the unit vectors of images", "match: logits by all states and by the first alone"]],
    ["caption", ["caption: step by step and all at once"]],
    ["vqa", ["ask: a question alone and beside another", "ask: step by step and all at once"]],
    ["nlvr-original", ["compare: a statement alone and beside another"]],
    ["pretrain-original", ["norms of the unit vectors of texts", "caption: step by step and all at once"]],
  ])("%s", async (model, asked) => {
    const found = await checksOf(fixture(`tiny/${model}`));
    expect(failedOf(found)).toEqual([]);
    expect(found.map(({ what }) => what)).toEqual(
      expect.arrayContaining(["tasks", "text heads", "known faults", ...asked]),
    );
  });
});

describe("an unsound model fails", () => {
  test("the norms, if all images have the same vector", async () => {
    const model = await filled("match", "vision_proj.weight", 0);
    expect(failedOf(await checksOf(model))).toEqual(["norms of the unit vectors of images"]);
  });

  test("its task, if its numbers are not finite", async () => {
    const model = await filled("match", "itm_head.weight", NaN);
    const found = await checksOf(model);
    expect(failedOf(found)).toEqual(["match"]);
    expect(found.find(({ what }) => what === "match")?.found).toMatch(/finite numbers in the ITM logits/);
  });

  test("the text heads, if they do not divide the width", async () => {
    expect(failedOf(await checksOf(fixture("tiny/match"), { textHeads: 3 }))).toContain("text heads");
  });
});

test("the verdict on text heads needs comparisons that are right, and a clear margin", () => {
  const tried = (right: number, margin: number, other: number, otherMargin: number) =>
    decideHeads([
      { heads: 8, right, margin },
      { heads: 12, right: other, margin: otherMargin },
    ]);
  expect(tried(7, 0.4, 12, 6)).toBe(12);
  expect(tried(12, 6, 8, 1)).toBe(8);
  expect(tried(11, 4, 12, 6)).toBeUndefined();
  expect(tried(5, 0.1, 6, 3)).toBeUndefined();
  expect(tried(0, NaN, 0, NaN)).toBeUndefined();
});
