// Models of several tasks as one folder, and back: the written files, refused calls, and unchanged numbers.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import { damage } from "../../test/support/damaged.ts";
import { fixture } from "../../test/support/goldens.ts";
import { tinyParts, tinySuite, type PartTask } from "../../test/support/suites.ts";
import { fileSource } from "../platform/node/local-files.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { loadProcessor } from "../processor/processor.ts";
import { Answerer } from "../verbs/ask.ts";
import { Captioner } from "../verbs/caption.ts";
import { Comparer } from "../verbs/compare.ts";
import { Embedder } from "../verbs/embed.ts";
import { Matcher } from "../verbs/match.ts";
import { Retriever } from "../verbs/retrieve.ts";
import { convert } from "./convert.ts";
import { exportOnnx } from "./export/export-onnx.ts";
import { inspect, printTask } from "./inspect.ts";
import { makeSuite } from "./make-suite.ts";
import { quantize } from "./quantize.ts";

const quiet = { onWarning: () => undefined };
const all: readonly PartTask[] = ["match", "caption", "ask", "compare"];
const scene = fixture("../examples/scenes/01.png");
const other = fixture("../examples/scenes/02.png");

let root = "";
let parts: Record<PartTask, string>;
let suite = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-suite-"));
  parts = await tinyParts(root);
  suite = await tinySuite(parts, join(root, "suite"), all);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const jsonIn = async (...path: string[]) =>
  JSON.parse(await readFile(join(...path), "utf8")) as Record<string, unknown>;
const tensorsIn = async (folder: string) =>
  (await readSafetensors(await fileSource(join(folder, "model.safetensors")))).tensors;

/** The results of each verb with a model. */
const answers: Record<string, (model: string) => Promise<unknown>> = {
  match: async (model) => {
    await using verb = await Matcher.load(nodePlatform, model, quiet);
    return await arrayOf(verb.match([scene, other], ["a dog", "two cats"]));
  },
  retrieve: async (model) => {
    await using verb = await Retriever.load(nodePlatform, model, quiet);
    return await arrayOf(verb.byText([scene, other], ["a dog"]));
  },
  embed: async (model) => {
    await using verb = await Embedder.load(nodePlatform, model, quiet);
    return [await arrayOf(verb.embedImages([scene])), await arrayOf(verb.embedTexts(["a dog"]))];
  },
  caption: async (model) => {
    await using verb = await Captioner.load(nodePlatform, model, quiet);
    return await arrayOf(verb.caption([scene], { maxNewTokens: 6 }));
  },
  ask: async (model) => {
    await using verb = await Answerer.load(nodePlatform, model, quiet);
    return await arrayOf(verb.ask([scene], ["what is it"], { maxNewTokens: 4 }));
  },
  compare: async (model) => {
    await using verb = await Comparer.load(nodePlatform, model, quiet);
    return await arrayOf(verb.compare([scene, other], ["both show a dog"]));
  },
};

const partOf = (task: string) => (task === "retrieve" || task === "embed" ? "match" : task) as PartTask;

test("holds the image encoder once, and each part with its own files", async () => {
  expect(await jsonIn(suite, "model_index.json")).toEqual({
    ...{ _class_name: "BlipSuite", _blip_ts_version: expect.any(String) as string },
    image_encoder: "image_encoder",
    tasks: {
      ...{ match: "match", retrieve: "match", embed: "match" },
      ...{ caption: "caption", ask: "ask", compare: "compare" },
    },
  });
  expect((await readdir(suite)).sort()).toEqual(["model_index.json", "image_encoder", ...all].sort());
  expect(await readdir(join(suite, "image_encoder"))).toEqual(["model.safetensors"]);
  const encoder = await tensorsIn(join(suite, "image_encoder"));
  expect(encoder.size).toBeGreaterThan(10);
  for (const task of all) {
    const names = (await readdir(parts[task])).sort();
    expect((await readdir(join(suite, task))).sort()).toEqual(names);
    for (const name of names.filter((file) => file !== "model.safetensors"))
      expect(await readFile(join(suite, task, name), "utf8"), name).toBe(
        await readFile(join(parts[task], name), "utf8"),
      );
    const [own, original] = [await tensorsIn(join(suite, task)), await tensorsIn(parts[task])];
    expect([...own.keys(), ...encoder.keys()].sort()).toEqual([...original.keys()].sort());
    for (const [name, tensor] of [...own, ...encoder]) {
      const expected = original.get(name);
      if (!expected) throw new Error(name);
      expect(Buffer.compare(await readTensorBytes(tensor), await readTensorBytes(expected)), name).toBe(0);
    }
  }
});

test.each(Object.keys(answers))("%s gives the part's own numbers, to the digit", async (task) => {
  const ask = answers[task];
  if (!ask) throw new Error(task);
  expect(await ask(suite)).toEqual(await ask(parts[partOf(task)]));
});

test.each(all)("the part for %s becomes the folder that it was made of", async (task) => {
  const back = join(root, `back-${task}`);
  const made = await convert(nodePlatform, suite, back, { task, ...quiet });
  expect(made.task).toBe(task);
  expect((await readdir(back)).sort()).toEqual((await readdir(parts[task])).sort());
  for (const name of await readdir(back))
    expect(
      Buffer.compare(await readFile(join(back, name)), await readFile(join(parts[task], name))),
      name,
    ).toBe(0);
});

test("inspect shows the parts, and counts the image encoder once", async () => {
  const found = await inspect(nodePlatform, suite, quiet);
  const alone = await Promise.all(all.map((task) => inspect(nodePlatform, parts[task], quiet)));
  expect(found).toMatchObject({
    format: "suite",
    weights: "float32",
    tasks: ["match", "retrieve", "caption", "ask", "compare", "embed"],
    missing: [],
    warnings: alone.flatMap(({ warnings }) => warnings),
  });
  expect(found.parts?.map(({ folder, tasks }) => [folder, tasks])).toEqual([
    ["match", ["match", "retrieve", "embed"]],
    ...["caption", "ask", "compare"].map((task) => [task, [task]]),
  ]);
  expect(found.parts?.map(({ parameters }) => parameters)).toEqual(alone.map(({ parameters }) => parameters));
  const shared = found.imageEncoder?.parameters ?? NaN;
  const encoder = await tensorsIn(join(suite, "image_encoder"));
  expect(shared).toBe([...encoder.values()].reduce((sum, { byteLength }) => sum + byteLength / 4, 0));
  expect(found.parameters).toBe(alone.reduce((sum, { parameters }) => sum + parameters, -3 * shared));
  expect(await printTask(nodePlatform, suite, "ask", quiet)).toBe(
    await printTask(nodePlatform, parts.ask, "ask", quiet),
  );
});

describe("without a task", () => {
  const cases: Record<string, () => Promise<unknown>> = {
    convert: () => convert(nodePlatform, suite, join(root, "nowhere"), quiet),
    quantize: () => quantize(nodePlatform, suite, join(root, "nowhere"), { dtype: "int8", ...quiet }),
    processor: () => loadProcessor(nodePlatform, suite, quiet),
  };
  test.each(Object.keys(cases))("%s names the tasks", async (verb) => {
    const error = await failureOf(cases[verb] ?? (() => Promise.resolve()));
    expect(error).toMatchObject({ name: "UsageError", code: "suite/task-needed" });
    expect(error.message).toMatch(/match, retrieve, caption, ask, compare, embed.*task/);
  });
});

test("a processor is that of the task's part", async () => {
  const [own, shared] = [
    await loadProcessor(nodePlatform, parts.ask, quiet),
    await loadProcessor(nodePlatform, suite, { task: "ask", ...quiet }),
  ];
  const one = await own(scene, "what is it");
  expect(await shared(scene, "what is it")).toEqual(one);
  expect(await failureOf(() => loadProcessor(nodePlatform, suite, { task: "sing" }))).toMatchObject({
    code: "usage/bad-option",
  });
});

test("captions are scored by the suite's own part, named or not", async () => {
  const scored = async (options: { score?: boolean; matchModel?: string }) => {
    await using captioner = await Captioner.load(nodePlatform, suite, { ...options, ...quiet });
    return await arrayOf(captioner.caption([scene], { maxNewTokens: 4 }));
  };
  const rows = await scored({ score: true });
  expect(rows).toEqual(await scored({ score: true, matchModel: suite }));
  expect(rows).toMatchObject([{ match: expect.any(Number) as number }]);
});

test("export writes the files of a task, as of its part", async () => {
  const [own, shared] = [join(root, "onnx-part"), join(root, "onnx-suite")];
  await exportOnnx(nodePlatform, parts.ask, own, { task: "ask", ...quiet });
  await exportOnnx(nodePlatform, suite, shared, { task: "ask", ...quiet });
  const names = (await readdir(own)).sort();
  expect((await readdir(shared)).sort()).toEqual(names);
  for (const name of names.filter((file) => file.endsWith(".json") && file !== "export.json"))
    expect(await readFile(join(shared, name), "utf8")).toBe(await readFile(join(own, name), "utf8"));
  expect({ ...(await jsonIn(shared, "export.json")), model: parts.ask }).toEqual(
    await jsonIn(own, "export.json"),
  );
});

test("quantize writes the part of a task", async () => {
  const out = join(root, "half-ask");
  expect(await quantize(nodePlatform, suite, out, { dtype: "fp16", task: "ask", ...quiet })).toMatchObject({
    task: "ask",
    architecture: "BlipForQuestionAnswering",
  });
  expect((await inspect(nodePlatform, out, quiet)).weights).toBe("float16");
});

test("another model may embed than the one that matches, and a suite may be made of a suite's parts", async () => {
  const out = join(root, "again");
  const made = await makeSuite(
    nodePlatform,
    [
      { task: "match", model: suite },
      { task: "embed", model: parts.match },
    ],
    out,
    quiet,
  );
  expect(made.tasks).toEqual(["match", "retrieve", "embed"]);
  expect((await jsonIn(out, "model_index.json")).tasks).toEqual({
    ...{ match: "match", retrieve: "match" },
    embed: "embed",
  });
});

describe("refuses", () => {
  const make = (named: readonly { task: string; model: string }[], folder = join(root, "refused")) =>
    failureOf(() => makeSuite(nodePlatform, named, folder, quiet));

  test("image encoders that differ, with the first tensor that does and both parts", async () => {
    const changed = join(root, "changed");
    await cp(parts.ask, changed, { recursive: true });
    await damage(join(changed, "model.safetensors"), {
      "vision_model.encoder.layers.1.mlp.fc1.bias": { value: 0.25, row: 3 },
      "vision_model.post_layernorm.bias": { value: 0.5 },
    });
    const error = await make([
      { task: "match", model: parts.match },
      { task: "ask", model: changed },
    ]);
    expect(error).toMatchObject({ name: "ModelError", code: "suite/different-encoders" });
    expect(error.message).toContain(`ask=${changed}: expected the image encoder of match=${parts.match}`);
    expect(error.message).toContain("vision_model.encoder.layers.1.mlp.fc1.bias holds other numbers");
    expect(await readdir(root)).not.toContainEqual(expect.stringMatching(/refused/));
  });

  test("image encoders of other sizes and other types", async () => {
    const wide = await make([
      { task: "ask", model: fixture("tiny/vqa") },
      { task: "caption", model: parts.caption },
    ]);
    expect(wide).toMatchObject({ code: "suite/different-encoders" });
    expect(wide.message).toMatch(/is float32 \[1, 1, 32\] in one, float32 \[1, 1, 48\] in the other/);
    const half = await make([
      { task: "match", model: fixture("tiny/match") },
      { task: "embed", model: fixture("tiny/match-f16") },
    ]);
    expect(half.message).toMatch(/is float32 .* in one, float16/);
  });

  test.each<[what: string, named: (readonly [string, PartTask])[], code: string, message: RegExp]>([
    ["nothing", [], "suite/bad-parts", /got none/],
    ["a task that is none", [["sing", "match"]], "usage/bad-option", /expected match or .*got sing/],
    [
      "a part that lacks its task",
      [["ask", "caption"]],
      "model/wrong-task",
      /cannot do "ask".*It can do: caption/,
    ],
    ["retrieve", [["retrieve", "match"]], "suite/bad-parts", /runs the network of match.*match=/],
    [
      "a task twice",
      [
        ["match", "match"],
        ["match", "caption"],
      ],
      "suite/bad-parts",
      /expected one model for match, got two \(.*of-match, .*of-caption\)/,
    ],
  ])("%s", async (_what, named, code, message) => {
    const error = await make(named.map(([task, model]) => ({ task, model: parts[model] })));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
  });

  test("a folder that holds something, and 8-bit weights", async () => {
    const taken = join(root, "taken");
    await mkdir(taken);
    await writeFile(join(taken, "mine.txt"), "");
    expect(await make([{ task: "match", model: parts.match }], taken)).toMatchObject({ code: "save/exists" });
    expect(await readdir(taken)).toEqual(["mine.txt"]);
    const int8 = join(root, "int8");
    await quantize(nodePlatform, parts.match, int8, { dtype: "int8", ...quiet });
    expect(await make([{ task: "match", model: int8 }])).toMatchObject({ code: "save/quantized" });
  });
});
