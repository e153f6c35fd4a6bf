// Model files that change while the model is in use: no answer mixes two files, no numbers change silently, and a model
// loaded as a copy continues.
import { copyFile, cp, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { damage } from "../../test/support/damaged.ts";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";

let root = "";
const home = process.env.HF_HOME;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-changed-"));
  process.env.HF_HOME = join(root, "home");
});
afterAll(async () => {
  if (home === undefined) delete process.env.HF_HOME;
  else process.env.HF_HOME = home;
  await rm(root, { recursive: true, force: true });
});

/** A copy of a model, and the path of its weights. */
async function copied() {
  const folder = await mkdtemp(join(root, "model-"));
  await cp(fixture("tiny/match"), folder, { recursive: true });
  return { folder, weights: join(folder, "model.safetensors") };
}

const load = (folder: string, options: ModelOptions = {}) =>
  ImageTextRetrieval.load(nodePlatform, folder, { onWarning: () => undefined, ...options });

type Model = Awaited<ReturnType<typeof load>>;

const pixelsOf = ({ loaded }: Model) => ({
  dtype: "float32" as const,
  dims: [1, 3, loaded.imageSize, loaded.imageSize],
  data: new Float32Array(3 * loaded.imageSize ** 2).fill(0.5),
});
const texts = { inputIds: { dtype: "int64" as const, dims: [1, 3], data: BigInt64Array.of(2n, 30n, 3n) } };

const seenBy = async (model: Model) => (await model.encodeImages(pixelsOf(model))).features.data;
const scoredBy = async (model: Model) =>
  (await model.forward({ pixelValues: pixelsOf(model), ...texts })).itmScore.data;
const changed = { code: "model/changed" };

/** A complete file with other numbers. */
async function otherWeights(): Promise<string> {
  const path = join(await mkdtemp(join(root, "other-")), "model.safetensors");
  await copyFile(fixture("tiny/match/model.safetensors"), path);
  await damage(path, { "itm_head.weight": { value: 0.25 } });
  return path;
}

describe("a model whose file changes while it is used", () => {
  test.each<[string, (weights: string) => Promise<unknown>]>([
    ["cut short", (weights) => truncate(weights, 1000)],
    [
      "overwritten in place with other numbers",
      async (weights) => writeFile(weights, await readFile(await otherWeights())),
    ],
    ["zeroed", async (weights) => writeFile(weights, new Uint8Array((await readFile(weights)).length))],
  ])("refuses every call once it was %s, and says what to do", async (_, change) => {
    const { folder, weights } = await copied();
    await using model = await load(folder);
    await scoredBy(model);
    await change(weights);
    await expect(seenBy(model)).rejects.toMatchObject({
      ...changed,
      message: expect.stringMatching(
        /model\.safetensors: expected the file as it was .*rename it.*load: "copy"/,
      ) as string,
    });
    await expect(scoredBy(model)).rejects.toMatchObject(changed);
  });

  test.each<[string, (weights: string) => Promise<unknown>]>([
    ["replaced by renaming", async (weights) => rename(await otherWeights(), weights)],
    ["deleted", (weights) => rm(weights)],
  ])(
    "goes on with what it has loaded once it was %s, and loads nothing of the new one",
    async (_, change) => {
      const { folder, weights } = await copied();
      await using model = await load(folder);
      const before = await seenBy(model);
      await change(weights);
      expect(await seenBy(model)).toEqual(before);
      // A graph that was not needed before.
      await expect(scoredBy(model)).rejects.toMatchObject(changed);
    },
  );

  test("loaded again is the new one", async () => {
    const { folder, weights } = await copied();
    await using model = await load(folder);
    const before = await scoredBy(model);
    await rename(await otherWeights(), weights);
    await using anew = await load(folder);
    expect(await scoredBy(anew)).not.toEqual(before);
    expect(await scoredBy(model)).toEqual(before);
  });

  test.each(["fp32", "int8", "fp16"] as const)(
    "continues in %s if it was loaded as a copy",
    async (dtype) => {
      const { folder, weights } = await copied();
      await using mapped = await load(folder, { dtype });
      const expected = await scoredBy(mapped);
      await using model = await load(folder, { dtype, load: "copy" });
      await truncate(weights, 0);
      await rm(join(root, "home"), { recursive: true, force: true });
      // All graphs are loaded only now.
      expect(await scoredBy(model)).toEqual(expected);
    },
  );
});

describe("kept weights of 8 bits", () => {
  const keptFiles = async () => {
    const place = join(root, "home", "blip-ts", "weights");
    const names = await readdir(place, { recursive: true });
    return names.filter((name) => name.endsWith(".safetensors")).map((name) => join(place, name));
  };
  const onlyKept = async () => {
    await rm(join(root, "home"), { recursive: true, force: true });
    const { folder } = await copied();
    const model = await load(folder, { dtype: "int8" });
    const [kept = "", ...others] = await keptFiles();
    expect(others).toEqual([]);
    return { folder, model, kept };
  };

  test("that were deleted while the model is used are made again", async () => {
    const { model, kept } = await onlyKept();
    await seenBy(model);
    await rm(kept);
    await scoredBy(model);
    expect(await keptFiles()).toEqual([kept]);
    await model.close();
  });

  test("whose numbers were damaged are made again, whenever that is seen", async () => {
    const { folder, model, kept } = await onlyKept();
    const expected = await scoredBy(model);
    const whole = await readFile(kept);
    const damaged = Buffer.from(whole);
    // The header stays intact, and so do the finite numbers of scales and vectors.
    damaged.fill(3, damaged.length - 20_000);
    await writeFile(kept, damaged);
    // By the model that has mapped the weights.
    expect(await scoredBy(model)).toEqual(expected);
    expect((await readFile(kept)).equals(whole)).toBe(true);
    await model.close();
    await writeFile(kept, damaged);
    // By a model that is loaded later.
    await using later = await load(folder, { dtype: "int8" });
    expect(await scoredBy(later)).toEqual(expected);
    expect((await readFile(kept)).equals(whole)).toBe(true);
  });

  test("are made of the file that was opened, or not at all", async () => {
    const { folder, model, kept } = await onlyKept();
    await seenBy(model);
    await rm(kept);
    await rename(await otherWeights(), join(folder, "model.safetensors"));
    await expect(scoredBy(model)).rejects.toMatchObject(changed);
    await model.close();
  });
});

test("a copy and a bound of memory exclude each other", async () => {
  await expect(load(fixture("tiny/match"), { load: "copy", memory: 2_000 })).rejects.toMatchObject({
    code: "usage/bad-option",
  });
  await expect(load(fixture("tiny/match"), { load: "mapped" as "map" })).rejects.toMatchObject({
    code: "usage/bad-option",
    message: expect.stringContaining("expected map or copy") as string,
  });
});
