// Calls without types of verbs for images and texts: a UsageError names the expected value.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "@blip-ts/base";
import { arrayOf, failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { Batched } from "../serve/batched.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { loadProcessor } from "../processor/processor.ts";
import { Answerer } from "./ask.ts";
import { Captioner } from "./caption.ts";
import { Matcher } from "./match.ts";

const scene = fixture("../examples/scenes/01.png");
const quiet = { onWarning: () => undefined };
let matcher: Awaited<ReturnType<typeof loadMatcher>>;
const loadMatcher = () => Matcher.load(nodePlatform, fixture("tiny/match"), quiet);
let captioner: Awaited<ReturnType<typeof loadCaptioner>>;
const loadCaptioner = () => Captioner.load(nodePlatform, fixture("tiny/caption"), quiet);
let answerer: Awaited<ReturnType<typeof loadAnswerer>>;
const loadAnswerer = () => Answerer.load(nodePlatform, fixture("tiny/vqa"), quiet);
let processor: Awaited<ReturnType<typeof loadProcessor<string>>>;
beforeAll(async () => {
  matcher = await loadMatcher();
  captioner = await loadCaptioner();
  answerer = await loadAnswerer();
  processor = await loadProcessor(nodePlatform, fixture("tiny/match"));
});
afterAll(() => Promise.all([matcher.close(), captioner.close(), answerer.close()]));

const wrongTexts: readonly unknown[] = [
  undefined,
  null,
  "a dog",
  7,
  {},
  [undefined],
  [null],
  [7],
  [["a dog"]],
  [{}],
];
const wrongImages: readonly unknown[] = [undefined, null, "a.png", 7, {}, new Uint8Array(3)];

type Call = (bad: never) => Promise<unknown>;
const ofTexts: readonly (readonly [string, Call])[] = [
  ["match", (bad) => arrayOf(matcher.match([scene], bad))],
  ["ask", (bad) => arrayOf(answerer.ask([scene], bad))],
  ["a processor's texts", (bad) => Promise.resolve(processor.textProcessor.encode(bad))],
  ["a batched match", (bad) => new Batched({ matcher }).match(scene, bad)],
];
const ofImages: readonly (readonly [string, Call])[] = [
  ["match", (bad) => arrayOf(matcher.match(bad, ["a dog"]))],
  ["caption", (bad) => arrayOf(captioner.caption(bad))],
  ["ask", (bad) => arrayOf(answerer.ask(bad, ["what?"]))],
];

describe.each(ofTexts)("%s", (_, call) => {
  test.each(wrongTexts.map((bad) => [JSON.stringify(bad) || "undefined", bad]))(
    "of %s",
    async (_shown, bad) => {
      const failure = await failureOf(() => call(bad as never));
      expect(failure).toBeInstanceOf(UsageError);
      expect(failure.message).toMatch(/expected a (?:list of texts|text), got/);
    },
  );
});

test("a question is named by its place in the whole list, which is read in parts", async () => {
  const questions = (last: string) => [...Array.from({ length: 129 }, () => "what is it?"), last];
  const empty = await failureOf(() => arrayOf(answerer.ask([scene], questions("\u200b"))));
  expect(empty.message).toMatch(/^text 130 is empty/);
  const long = await failureOf(() => arrayOf(answerer.ask([scene], questions("a".repeat(10_001)))));
  expect(long.message).toMatch(/^text 130: expected at most 10000 characters, got 10001/);
});

describe.each(ofImages)("%s", (_, call) => {
  test.each(wrongImages.map((bad) => [JSON.stringify(bad) || "undefined", bad]))(
    "of images %s",
    async (_shown, bad) => {
      const failure = await failureOf(() => call(bad as never));
      expect(failure).toBeInstanceOf(UsageError);
      expect(failure.message).toContain("images: expected a list of images, got");
    },
  );
});
