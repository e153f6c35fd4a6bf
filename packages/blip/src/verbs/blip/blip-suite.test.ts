// A suite as one model: the parts' own numbers, images encoded once for all parts, refused calls, and a memory limit.
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { tinyParts, tinySuite, type PartTask } from "../../../test/support/suites.ts";
import { serveTinyHub } from "../../../test/support/tiny-hub.ts";
import { watchedRuns } from "../../../test/support/watched-runs.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { makeSuite } from "../../tools/make-suite.ts";
import { Answerer } from "../ask.ts";
import { Captioner } from "../caption.ts";
import { Embedder } from "../embed.ts";
import { Matcher } from "../match.ts";
import { Retriever } from "../retrieve.ts";
import { Blip } from "./blip.ts";

const quiet = { onWarning: () => undefined };
const scene = (n: number) => fixture(`../examples/scenes/${String(n).padStart(2, "0")}.png`);
const texts = ["a sheep", "two cats"];
const questions = ["what is it?", "how many are there?"];
const short = { maxNewTokens: 4 };

let root = "";
let parts: Record<PartTask, string>;
let suite = "";
let matchAndAsk = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-suite-tasks-"));
  parts = await tinyParts(root);
  suite = await tinySuite(parts, join(root, "suite"), ["match", "caption", "ask", "compare"]);
  matchAndAsk = await tinySuite(parts, join(root, "two"), ["match", "ask"]);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

/** The results of single-task classes for one image, each loaded from its part. */
async function partsOwnRows() {
  await using matcher = await Matcher.load(nodePlatform, parts.match, quiet);
  await using retriever = await Retriever.load(nodePlatform, parts.match, quiet);
  await using embedder = await Embedder.load(nodePlatform, parts.match, quiet);
  await using captioner = await Captioner.load(nodePlatform, parts.caption, quiet);
  await using answerer = await Answerer.load(nodePlatform, parts.ask, quiet);
  return [
    ...(await arrayOf(matcher.match([scene(1)], texts))),
    ...(await arrayOf(retriever.byText([scene(1)], texts))),
    ...(await arrayOf(embedder.embedImages([scene(1)]))),
    ...(await arrayOf(embedder.embedTexts(texts))),
    ...(await arrayOf(captioner.caption([scene(1)], short))),
    ...(await arrayOf(answerer.ask([scene(1)], questions, short))),
  ];
}

/** The same results from one model. */
async function rowsOf(blip: Blip<string>) {
  return [
    ...(await arrayOf(blip.match([scene(1)], texts))),
    ...(await arrayOf(blip.retrieve([scene(1)], texts))),
    ...(await arrayOf(blip.embed([scene(1)], texts))),
    ...(await arrayOf(blip.caption([scene(1)], short))),
    ...(await arrayOf(blip.ask([scene(1)], questions, short))),
  ];
}

test("gives the parts' own numbers, to the digit, and encodes an image once for all of them", async () => {
  const { platform, runs, loads } = watchedRuns();
  await using blip = await Blip.load(platform, suite, quiet);
  expect(blip.tasks).toEqual(["match", "retrieve", "caption", "ask", "compare", "embed"]);
  expect([...loads]).toEqual([]);
  const rows = await rowsOf(blip);
  expect(rows).toEqual(await partsOwnRows());
  expect(rows.filter((row) => "error" in row)).toEqual([]);
  expect([runs.get("image"), loads.get("image")]).toEqual([1, 1]);
  // One part decodes captions, the other answers.
  expect(loads.get("decode")).toBe(2);
});

test("tasks of one part share its network, and make each session once", async () => {
  const { platform, loads } = watchedRuns();
  await using blip = await Blip.load(platform, matchAndAsk, { tasks: ["match", "embed"], ...quiet });
  await arrayOf(blip.match([scene(1)], texts));
  await arrayOf(blip.embed([scene(1)], texts));
  for (const [name, count] of loads) expect([name, count]).toEqual([name, 1]);
  expect(loads.get("image")).toBe(1);
});

test("parts that are first called at once are opened once", async () => {
  const { platform, loads } = watchedRuns();
  await using blip = await Blip.load(platform, suite, quiet);
  const asking = () => arrayOf(blip.ask([scene(1)], questions, short));
  const [one, other] = await Promise.all([asking(), asking(), arrayOf(blip.caption([scene(1)], short))]);
  expect(one).toEqual(other);
  expect([loads.get("image"), loads.get("decode")]).toEqual([1, 2]);
});

describe("tasks", () => {
  test("a task that the suite lacks is refused at the call, with those that it has", async () => {
    await using blip = await Blip.load(nodePlatform, matchAndAsk, quiet);
    expect(blip.tasks).toEqual(["match", "retrieve", "ask", "embed"]);
    const lacking = await failureOf(() => Promise.resolve(blip.caption([scene(1)])));
    expect(lacking).toMatchObject({ name: "ModelError", code: "model/wrong-task" });
    expect(lacking.message).toMatch(/cannot do "caption": .*It can do: match, retrieve, ask, embed\./);
    expect(await failureOf(() => Blip.load(nodePlatform, matchAndAsk, { tasks: ["compare"] }))).toMatchObject(
      {
        code: "model/wrong-task",
      },
    );
  });

  test("only the parts of those that are asked for are opened", async () => {
    const folder = join(root, "lacking");
    await cp(matchAndAsk, folder, { recursive: true });
    await rm(join(folder, "match"), { recursive: true });
    expect(await failureOf(() => Blip.load(nodePlatform, folder, quiet))).toMatchObject({
      code: "suite/missing-part",
    });
    await using blip = await Blip.load(nodePlatform, folder, { tasks: ["ask"], ...quiet });
    expect(blip.tasks).toEqual(["ask"]);
    await using answerer = await Answerer.load(nodePlatform, parts.ask, quiet);
    expect(await arrayOf(blip.ask([scene(1)], questions, short))).toEqual(
      await arrayOf(answerer.ask([scene(1)], questions, short)),
    );
    expect(() => blip.match([scene(1)], texts)).toThrow(/was opened for, got ask/);
  });
});

describe("refuses", () => {
  let count = 0;
  /** The suite of two parts with a changed JSON file in one part. */
  async function changed(file: string, change: (json: Record<string, unknown>) => void): Promise<string> {
    const folder = join(root, `changed-${count++}`);
    await cp(matchAndAsk, folder, { recursive: true });
    const path = join(folder, file);
    const json = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    change(json);
    await writeFile(path, JSON.stringify(json));
    return folder;
  }
  const fails = (folder: string) => failureOf(() => Blip.load(nodePlatform, folder, quiet));

  test.each([
    ["layer_norm_eps", 0.01],
    ["num_attention_heads", 1],
  ])("parts whose vision_config.%s would give other states; one alone loads", async (field, value) => {
    const change = (json: Record<string, unknown>) => {
      json.vision_config = { ...(json.vision_config as object), [field]: value };
    };
    const folder = await changed("ask/config.json", change);
    const error = await fails(folder);
    expect(error).toMatchObject({ name: "ModelError", code: "suite/different-states" });
    expect(error.message).toMatch(
      new RegExp(
        `expected one vision_config\\.${field} in all parts, got .* in .*/match and ${value} in .*/ask`,
      ),
    );
    await using alone = await Blip.load(nodePlatform, folder, { tasks: ["ask"], ...quiet });
    expect(alone.tasks).toEqual(["ask"]);
    const other = join(root, `other-${count++}`);
    await cp(parts.ask, other, { recursive: true });
    await cp(join(folder, "ask", "config.json"), join(other, "config.json"));
    const made = [
      { task: "match", model: parts.match },
      { task: "ask", model: other },
    ];
    const out = join(root, `made-${count++}`);
    expect(await failureOf(() => makeSuite(nodePlatform, made, out, quiet))).toMatchObject({
      code: "suite/different-states",
    });
  });

  test("parts that make other pixel values of an image", async () => {
    const error = await fails(
      await changed("ask/preprocessor_config.json", (json) => {
        json.image_mean = [0.5, 0.5, 0.5];
      }),
    );
    expect(error).toMatchObject({ name: "ModelError", code: "suite/different-settings" });
    expect(error.message).toMatch(
      /expected one image_mean in all parts, got .* and \[0.5,0.5,0.5\] in .*ask/,
    );
  });

  test("two parts that make embeddings of images", async () => {
    const folder = join(root, "two-embed");
    const named = [
      { task: "match", model: parts.match },
      { task: "embed", model: parts.match },
    ];
    await makeSuite(nodePlatform, named, folder, quiet);
    expect(await fails(folder)).toMatchObject({ code: "suite/several-projections" });
    await using blip = await Blip.load(nodePlatform, folder, { tasks: ["embed"], ...quiet });
    await using embedder = await Embedder.load(nodePlatform, parts.match, quiet);
    expect(await arrayOf(blip.embed([scene(1)]))).toEqual(await arrayOf(embedder.embedImages([scene(1)])));
  });
});

test("once closed it ends what is under way, closes its engine once, and refuses every later call", async () => {
  const { platform } = watchedRuns();
  let closed = 0;
  const counting = {
    ...platform,
    createEngine: (options: Parameters<typeof platform.createEngine>[0]) => {
      const engine = platform.createEngine(options);
      return {
        ...engine,
        close: () => {
          closed++;
          return engine.close();
        },
      };
    },
  };
  const blip = await Blip.load(counting, suite, quiet);
  await arrayOf(blip.match([scene(1)], texts));
  const running = failureOf(() => arrayOf(blip.caption([scene(2)])));
  await blip.close();
  await blip.close();
  expect(await running).toMatchObject({ code: "usage/disposed" });
  expect(() => blip.match([scene(1)], texts)).toThrow(/was closed/);
  expect(closed).toBe(1);
});

test("a bound of memory counts the graphs of all parts", async () => {
  const least = async (tasks?: readonly ("match" | "ask")[]) =>
    Number((await failureOf(() => Blip.load(nodePlatform, matchAndAsk, { memory: 1, tasks }))).fields.least);
  const both = await least();
  const [match, ask] = [await least(["match"]), await least(["ask"])];
  // A session takes 12.6 MB besides its weights. `ask` adds sessions for the question, the decoder's memory and its
  // step.
  expect(both).toBeGreaterThan(Math.max(match, ask) + 24);
  // The process itself and the image encoder are counted once.
  expect(both).toBeLessThan(match + ask - 330);
  const bounded = { memory: both, ...quiet };
  await using blip = await Blip.load(nodePlatform, matchAndAsk, bounded);
  await using matcher = await Matcher.load(nodePlatform, parts.match, quiet);
  expect(await arrayOf(blip.match([scene(1)], texts))).toEqual(
    await arrayOf(matcher.match([scene(1)], texts)),
  );
  expect(await failureOf(() => Blip.load(nodePlatform, matchAndAsk, { memory: both - 1 }))).toMatchObject({
    code: "usage/memory-too-small",
  });
});

describe("from the Hub", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("as from its folder; only the parts that are asked for are fetched, each file once", async () => {
    const id = "someone/blip-suite";
    await using hub = await serveTinyHub({ [id]: suite }, new Uint8Array());
    vi.stubEnv("HF_HOME", await mkdtemp(join(root, "home-")));
    vi.stubEnv("HF_ENDPOINT", hub.origin);
    await using two = await Blip.load(nodePlatform, id, { tasks: ["match", "ask"], ...quiet });
    expect(await arrayOf(two.ask([scene(1)], questions, short))).not.toEqual([]);
    const folders = () => new Set(hub.sent.map((file) => file.split("/")[2]));
    expect([...folders()].sort()).toEqual(["ask", "image_encoder", "match", "model_index.json"]);
    await using blip = await Blip.load<string>(nodePlatform, id, quiet);
    expect(await rowsOf(blip)).toEqual(await partsOwnRows());
    expect(folders()).toContain("compare");
    expect(hub.sent.filter((file, index) => hub.sent.indexOf(file) !== index)).toEqual([]);
  });
});
