// A suite as one model, with the verbs that the normal tests leave out: comparing, held images, 8 bits, scored
// captions.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "../../../test/support/goldens.ts";
import { tinyParts, tinySuite, type PartTask } from "../../../test/support/suites.ts";
import { watchedRuns } from "../../../test/support/watched-runs.ts";
import { nodePlatform } from "../../platform/node/node-platform.ts";
import { Answerer } from "../ask.ts";
import { Captioner } from "../caption.ts";
import { Comparer } from "../compare.ts";
import { Matcher } from "../match.ts";
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
  root = await mkdtemp(join(tmpdir(), "blip-suite-slow-"));
  parts = await tinyParts(root);
  suite = await tinySuite(parts, join(root, "suite"), ["match", "caption", "ask", "compare"]);
  matchAndAsk = await tinySuite(parts, join(root, "two"), ["match", "ask"]);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

test("compares two images as the part does", async () => {
  const { platform, runs, loads } = watchedRuns();
  await using blip = await Blip.load(platform, suite, quiet);
  await using comparer = await Comparer.load(nodePlatform, parts.compare, quiet);
  const compared = [[scene(1), scene(2)] as const, ["both show a sheep"]] as const;
  expect(await arrayOf(blip.compare(...compared))).toEqual(await arrayOf(comparer.compare(...compared)));
  await arrayOf(blip.match([scene(1), scene(2)], texts));
  expect([runs.get("image"), loads.get("image")]).toEqual([1, 1]);
});

test("an image that is held serves all parts", async () => {
  const { platform, runs } = watchedRuns();
  await using blip = await Blip.load(platform, suite, quiet);
  await using image = await blip.image(scene(1));
  const found = [
    ...(await image.match(texts)),
    ...(await image.caption(short)),
    ...(await image.ask(must(questions, 0), short)),
  ];
  expect(found).toEqual([
    ...(await arrayOf(blip.match([scene(1)], texts))),
    ...(await arrayOf(blip.caption([scene(1)], short))),
    ...(await arrayOf(blip.ask([scene(1)], [must(questions, 0)], short))),
  ]);
  expect(runs.get("image")).toBe(1);
});

test("in 8 bits each part has its own weights, over one image encoder", async () => {
  const int8 = { dtype: "int8", ...quiet } as const;
  const { platform, runs } = watchedRuns();
  await using blip = await Blip.load(platform, matchAndAsk, int8);
  await using matcher = await Matcher.load(nodePlatform, parts.match, int8);
  await using answerer = await Answerer.load(nodePlatform, parts.ask, int8);
  expect([
    ...(await arrayOf(blip.match([scene(1)], texts))),
    ...(await arrayOf(blip.ask([scene(1)], questions, short))),
  ]).toEqual([
    ...(await arrayOf(matcher.match([scene(1)], texts))),
    ...(await arrayOf(answerer.ask([scene(1)], questions, short))),
  ]);
  expect(runs.get("image")).toBe(1);
});

test("captions are scored by the suite's part that matches, which sees the same states", async () => {
  const { platform, runs } = watchedRuns();
  await using captioner = await Captioner.load(platform, suite, { score: true, ...quiet });
  const rows = await arrayOf(captioner.caption([scene(1)], short));
  expect(runs.get("image")).toBe(1);
  await using apart = await Captioner.load(nodePlatform, parts.caption, {
    matchModel: parts.match,
    ...quiet,
  });
  expect(rows).toEqual(await arrayOf(apart.caption([scene(1)], short)));
  const [row] = rows;
  expect(row).toHaveProperty("match", expect.any(Number));
  const lacking = await failureOf(() => Captioner.load(nodePlatform, matchAndAsk, { score: true, ...quiet }));
  expect(lacking).toMatchObject({ code: "model/wrong-task" });
});
