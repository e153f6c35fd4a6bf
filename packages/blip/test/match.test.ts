// Through the package's door: every format and dialect, conventions, the verb, and what is refused.
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  BlipForImageTextRetrieval,
  BlipProcessor,
  Matcher,
  match,
  version,
  type Tensor,
  type Warning,
} from "blip-ts";
import { afterAll, describe, expect, test } from "vitest";

const root = new URL("../../../", import.meta.url);
const path = (relative: string) => fileURLToPath(new URL(relative, root));
const tiny = (name: string) => path(`fixtures/tiny/${name}`);

interface Golden {
  readonly texts: readonly string[];
  readonly itm_score: number[][];
}
const golden = JSON.parse(await readFile(new URL("fixtures/goldens/match.json", root), "utf8")) as Golden;

/** safetensors read without the package, so that the goldens do not hang on its reader. */
async function goldens(): Promise<(name: string) => Tensor<"float32">> {
  const bytes = await readFile(new URL("fixtures/goldens/match.safetensors", root));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  return (name) => {
    const entry = header[name];
    if (!entry) throw new Error(`no golden ${name}`);
    const [start, end] = entry.data_offsets;
    const copy = new Uint8Array(bytes.subarray(8 + length + start, 8 + length + end));
    return { dtype: "float32", dims: entry.shape, data: new Float32Array(copy.buffer) };
  };
}
const read = await goldens();

/** float32 sums in another order move these logits (about 1) by 1e-6. */
const tolerance = 1e-5;

function expectClose(found: Tensor<"float32">, expected: Tensor<"float32">, within = tolerance) {
  expect(found.dims).toEqual(expected.dims);
  expected.data.forEach((value, index) =>
    expect(Math.abs((found.data[index] ?? NaN) - value)).toBeLessThan(within),
  );
}

async function inputsOf(folder: string) {
  const processor = await BlipProcessor.fromPretrained(folder);
  const encoded = processor.textProcessor.encode(golden.texts);
  return { pixelValues: read("pixel_values"), ...encoded };
}

describe("BlipForImageTextRetrieval", () => {
  test.each([
    ["match", "safetensors"],
    ["match-sharded", "sharded safetensors"],
    ["match-bin", "pytorch_model.bin"],
    ["match-legacy", "the stream of old torch"],
    ["match-original", "an original .pth"],
  ])("gives transformers' logits from %s (%s)", async (folder) => {
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny(folder));
    const inputs = await inputsOf(tiny(folder));
    expectClose((await model.forward(inputs)).itmScore, read("itm_score"));
    const { itmScore, questionEmbeds } = await model.forward(inputs, { useItmHead: false });
    expectClose(itmScore, read("cosine"));
    expectClose(questionEmbeds, read("unimodal.question_embeds"), 1e-5 * 4);
  });

  test.each([
    ["match-f16", "itm_score.f16"],
    ["match-f16-sharded-bin", "itm_score.f16"],
    ["match-f16-sharded-bin/pytorch_model.bin.index.json", "itm_score.f16"],
    ["match-bf16", "itm_score.bf16"],
    ["match-f64-bin", "itm_score"],
  ])("computes in float32 with the weights of %s", async (folder, name) => {
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny(folder));
    expectClose((await model.forward(await inputsOf(tiny(folder)))).itmScore, read(name));
  });

  test("keeps [CLS] where the Hugging Face model keeps it, and puts [ENC] there for blip and lavis", async () => {
    const inputs = await inputsOf(tiny("match"));
    for (const compat of ["blip", "lavis"] as const) {
      await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"), { compat });
      expectClose((await model.forward(inputs)).itmScore, read("itm_score.enc_first"));
    }
  });

  test("reads a model through the links of the Hub's cache", async () => {
    const cache = await mkdtemp(join(tmpdir(), "blip-links-"));
    try {
      await mkdir(join(cache, "blobs"));
      await mkdir(join(cache, "snapshots", "one"), { recursive: true });
      for (const [index, name] of [
        "config.json",
        "preprocessor_config.json",
        "vocab.txt",
        "model.safetensors",
      ].entries()) {
        await copyFile(tiny(`match/${name}`), join(cache, "blobs", String(index)));
        await symlink(`../../blobs/${index}`, join(cache, "snapshots", "one", name));
      }
      await using model = await BlipForImageTextRetrieval.fromPretrained(join(cache, "snapshots", "one"));
      expectClose((await model.forward(await inputsOf(tiny("match")))).itmScore, read("itm_score"));
    } finally {
      await rm(cache, { recursive: true });
    }
  });

  test("refuses a device that is unknown, and one that is not there", async () => {
    const load = (device: string) =>
      BlipForImageTextRetrieval.fromPretrained(tiny("match"), { device: device as "cpu" });
    await expect(load("gpu")).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("auto or cpu or webgpu or cuda or coreml or dml") as string,
    });
    const absent = process.platform === "win32" ? "coreml" : "dml";
    await expect(load(absent)).rejects.toMatchObject({
      name: "ModelError",
      code: "model/device",
      fields: { device: absent, present: expect.arrayContaining(["cpu"]) as string[] },
    });
  });

  test("takes the heads that it is told", async () => {
    const inputs = await inputsOf(tiny("match"));
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"), { textHeads: 2 });
    expectClose((await model.forward(inputs)).itmScore, read("itm_score.heads_2"));
  });

  test("attends to padding where no mask is given, as transformers does", async () => {
    const { pixelValues, inputIds } = await inputsOf(tiny("match"));
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"));
    expectClose((await model.forward({ pixelValues, inputIds })).itmScore, read("itm_score.no_mask"));
  });

  test("interpolates positions when asked to, and refuses other sizes when not", async () => {
    const { inputIds, attentionMask } = await inputsOf(tiny("match"));
    const firstTwo = ({ dims: [, T = 0], data }: Tensor<"int64">): Tensor<"int64"> => ({
      dtype: "int64",
      dims: [2, T],
      data: data.slice(0, 2 * T),
    });
    const inputs = {
      pixelValues: read("resized.pixel_values"),
      inputIds: firstTwo(inputIds),
      attentionMask: firstTwo(attentionMask),
    };
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"));
    const { itmScore } = await model.forward(inputs, { interpolatePosEncoding: true });
    expectClose(itmScore, read("resized.itm_score"));
    await expect(model.forward(inputs)).rejects.toMatchObject({ code: "model/bad-pixels" });
  });

  test("refuses as many images as do not go with the texts, and ids outside the vocabulary", async () => {
    const inputs = await inputsOf(tiny("match"));
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"));
    const two = {
      ...read("pixel_values"),
      dims: [2, 3, 32, 32],
      data: read("pixel_values").data.slice(0, 6144),
    };
    await expect(model.forward({ ...inputs, pixelValues: two })).rejects.toMatchObject({
      code: "model/unequal-batches",
    });
    const wrong = { ...inputs.inputIds, data: inputs.inputIds.data.map(() => 127n) };
    await expect(model.forward({ ...inputs, inputIds: wrong })).rejects.toMatchObject({
      code: "model/bad-ids",
    });
  });

  test("refuses a captioning model, and says what that can do", async () => {
    const call = BlipForImageTextRetrieval.fromPretrained(tiny("caption"));
    await expect(call).rejects.toMatchObject({ code: "model/wrong-task" });
    await expect(call).rejects.toThrow(/It can do: caption/);
  });

  test("refuses what is not there, and a file alone whose heads cannot be known", async () => {
    await expect(BlipForImageTextRetrieval.fromPretrained("./no-such-model")).rejects.toMatchObject({
      code: "model/not-found",
    });
    await expect(
      BlipForImageTextRetrieval.fromPretrained(tiny("match/model.safetensors")),
    ).rejects.toMatchObject({ code: "model/heads-unknown" });
  });

  test("tells how far it is", async () => {
    const seen: string[] = [];
    const onProgress = ({ kind, done, total }: { kind: string; done: number; total: number }) =>
      void seen.push(`${kind} ${done}/${total}`);
    const processor = await BlipProcessor.fromPretrained("picture-book", { task: "match" });
    const scenes = ["01", "02"].map((number) => path(`examples/scenes/${number}.png`));
    const inputs = await processor(scenes, ["a dog", "a cat"], { onProgress });
    await using model = await BlipForImageTextRetrieval.fromPretrained("picture-book");
    await model.forward(inputs, { onProgress });
    expect(seen).toEqual(["process 1/2", "process 2/2", "forward 0/2", "forward 1/2", "forward 2/2"]);
  });

  test("stops when it is told to", async () => {
    const inputs = await inputsOf(tiny("match"));
    await using model = await BlipForImageTextRetrieval.fromPretrained(tiny("match"));
    await model.forward(inputs);
    const controller = new AbortController();
    const call = model.forward(inputs, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });
});

interface SceneGolden {
  readonly rows: readonly {
    image: string;
    text: string;
    logits: [number, number];
    probability: number;
    cosine: number;
  }[];
}

describe("match", async () => {
  const scenes = JSON.parse(
    await readFile(new URL("fixtures/goldens/picture-book.json", root), "utf8"),
  ) as SceneGolden;
  const matcher = await Matcher.fromPretrained("picture-book", { compat: "hf" });
  afterAll(() => matcher[Symbol.asyncDispose]());
  const images = [...new Set(scenes.rows.map(({ image }) => path(`examples/scenes/${image}`)))];

  test("gives transformers' scores of every example scene, pictures and texts in batches", async () => {
    const texts = [...new Set(scenes.rows.map(({ text }) => text))];
    const rows = [];
    for await (const row of matcher.match(images, texts, { imageBatchSize: 5 })) rows.push(row);
    expect(rows).toHaveLength(images.length * texts.length);
    expect(rows.map(({ image }) => image)).toEqual(images.flatMap((image) => texts.map(() => image)));
    for (const expected of scenes.rows) {
      const found = rows.find(
        (row) =>
          row.image === path(`examples/scenes/${expected.image}`) &&
          "text" in row &&
          row.text === expected.text,
      );
      if (!found || "error" in found) throw new Error(`no row for ${expected.image}`);
      // Logits up to 6 in size: float32 in another order moves them by 1e-5.
      expect(Math.abs(found.logits[0] - expected.logits[0])).toBeLessThan(5e-5);
      expect(Math.abs(found.logits[1] - expected.logits[1])).toBeLessThan(5e-5);
      expect(Math.abs(found.probability - expected.probability)).toBeLessThan(1e-5);
      expect(Math.abs(found.cosine - expected.cosine)).toBeLessThan(1e-5);
      expect(found.rankScore).toBeCloseTo(found.logits[1] + found.cosine, 6);
    }
  });

  test("keeps going after a picture that cannot be read", async () => {
    const given = [images[0] ?? "", path("fixtures/images/text.jpg"), images[1] ?? ""];
    const rows = [];
    const progress: number[] = [];
    const onProgress = ({ done }: { done: number }) => void progress.push(done);
    for await (const row of matcher.match(given, ["a dog", "a cat"], { onProgress })) rows.push(row);
    expect(rows.map(({ image }) => given.indexOf(image))).toEqual([0, 0, 1, 2, 2]);
    expect(rows[2]).toMatchObject({ error: { code: "image/not-an-image" } });
    expect(rows[2]).not.toHaveProperty("text");
    expect(progress).toEqual([0, 3]);
  });

  test("scores a text the same in whatever batch it comes", async () => {
    const texts = ["a dog", "a small sheep on a purple background with two bicycles and an umbrella"];
    const of = async (some: string[]) => {
      const rows = [];
      for await (const row of matcher.match(images.slice(0, 1), some)) rows.push(row);
      return rows[0];
    };
    const [alone, together] = [await of(texts.slice(0, 1)), await of(texts)];
    if (!alone || !together || "error" in alone || "error" in together) throw new Error("no rows");
    expect(Math.abs(alone.logits[1] - together.logits[1])).toBeLessThan(1e-5);
    expect(Math.abs(alone.cosine - together.cosine)).toBeLessThan(1e-6);
  });

  test("a caption of which the conventions leave nothing has no probability, and the others have theirs", async () => {
    const model = path("fixtures/tiny/pretrain-original");
    await using blip = await Matcher.fromPretrained(model, { onWarning: () => undefined });
    const pixels = await blip.processors.images.batch(images.slice(0, 2));
    const { states } = await blip.model.encodeImages(pixels);
    const found = await blip.probabilities(states, ["a dog", ". ( * !", "", "two red cars"]);
    expect(found.map((one) => one === null)).toEqual([false, true, true, false]);
    for await (const row of blip.match(images.slice(0, 2), ["a dog", "two red cars"])) {
      if (row.error) throw new Error(row.error.message);
      const [first, last] = [row.image === images[0], row.text === "a dog"];
      // float32 in another order.
      if (first === last) expect(found[first ? 0 : 3]).toBeCloseTo(row.probability, 5);
    }
  });

  test("refuses an empty text, no text, no image, and a batch of nothing", async () => {
    const first = async (...args: Parameters<typeof matcher.match>) => matcher.match(...args).next();
    await expect(first(images, ["a dog", " "])).rejects.toMatchObject({ code: "text/empty" });
    await expect(first(images, [])).rejects.toMatchObject({ code: "usage/no-texts" });
    await expect(first([], ["a dog"])).rejects.toMatchObject({ code: "usage/no-images" });
    await expect(first(images, ["a dog"], { imageBatchSize: 0 })).rejects.toMatchObject({
      code: "usage/bad-option",
    });
  });

  test("works in one call, with the embedded model unless told", async () => {
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => void warnings.push(warning);
    const rows = await match(images.slice(0, 1), ["a small sheep on a purple background"], { onWarning });
    await using own = await Matcher.fromPretrained("picture-book");
    const expected = [];
    for await (const row of own.match(images.slice(0, 1), ["a small sheep on a purple background"]))
      expected.push(row);
    expect(rows).toEqual(expected);
    expect(rows[0]).toMatchObject({ text: "a small sheep on a purple background" });
    expect(warnings).toEqual([]);
  });
});

test("the version is package.json's", async () => {
  const json = JSON.parse(await readFile(new URL("packages/blip/package.json", root), "utf8")) as {
    version: string;
  };
  expect(version).toBe(json.version);
});
