// Wrong tensors from callers: every error is a UsageError that names the argument.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { UsageError } from "@blip-ts/base";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { NaturalLanguageVisualReasoning } from "./nlvr.ts";
import { QuestionAnswering } from "./question-answering.ts";

const quiet = { onWarning: () => undefined };
let match: ImageTextRetrieval;
let caption: ConditionalGeneration;
let ask: QuestionAnswering;
let compare: NaturalLanguageVisualReasoning;
beforeAll(async () => {
  match = await ImageTextRetrieval.load(nodePlatform, fixture("tiny/match"), quiet);
  caption = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), quiet);
  ask = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa"), quiet);
  compare = await NaturalLanguageVisualReasoning.load(nodePlatform, fixture("tiny/nlvr-original"), quiet);
});
afterAll(async () => {
  for (const model of [match, caption, ask, compare]) await model.close();
});

const side = () => match.loaded.imageSize;
const pixels = (count = 1) => ({
  ...{ dtype: "float32" as const, dims: [count, 3, side(), side()] },
  data: new Float32Array(count * 3 * side() ** 2),
});
const ids = (dims = [1, 3]) => ({
  ...{ dtype: "int64" as const, dims },
  data: new BigInt64Array(dims.reduce((product, size) => product * size, 1)).fill(2n),
});
/** Values that are invalid tensors for every argument. */
const wrong: readonly unknown[] = [
  undefined,
  null,
  7,
  {},
  { dims: [] },
  { dims: [1, 3, 32, 32] },
  { dtype: "float32", dims: [], data: new Float32Array(1) },
  { dtype: "float32", dims: [0, 3, 32, 32], data: new Float32Array(0) },
  { dtype: "float32", dims: [1.5, 3, 32, 32], data: new Float32Array(9) },
  { dtype: "float32", dims: [1, 3, 32, 32], data: new Float32Array(5) },
  { dtype: "float32", dims: [1, 3, 32, 32], data: [1, 2] },
  { dtype: "int64", dims: [1, 3], data: new BigInt64Array(2) },
  { dtype: "int64", dims: [1, 3], data: new Float32Array(3) },
  { dtype: "int64", dims: [1, -3], data: new BigInt64Array(3) },
  { dtype: "int64", dims: { length: 2 }, data: new BigInt64Array(3) },
];

type Call = (bad: never) => Promise<unknown>;
const calls: readonly (readonly [string, Call])[] = [
  ["match: pixelValues", (bad) => match.forward({ pixelValues: bad, inputIds: ids() })],
  ["match: inputIds", (bad) => match.forward({ pixelValues: pixels(), inputIds: bad })],
  ["match: images alone", (bad) => match.encodeImages(bad)],
  ["match: texts alone", (bad) => match.encodeTexts({ inputIds: bad })],
  ["match: states", (bad) => match.matchTexts(bad, { inputIds: ids() })],
  ["match: states to score", (bad) => match.scoreTexts(bad, { inputIds: ids() })],
  ["caption: pixelValues", (bad) => caption.generate({ pixelValues: bad })],
  ["caption: prompts", (bad) => caption.forward({ pixelValues: pixels(), inputIds: bad })],
  ["ask: pixelValues", (bad) => ask.generate({ pixelValues: bad, inputIds: ids() })],
  ["ask: inputIds", (bad) => ask.generate({ pixelValues: pixels(), inputIds: bad })],
  [
    "ask: the decoder's ids",
    (bad) => ask.forward({ pixelValues: pixels(), inputIds: ids(), decoderInputIds: bad }),
  ],
  ["ask: states", (bad) => ask.answer({ states: bad })],
  ["ask: states to rank", (bad) => ask.rank({ states: bad, mask: ids([1, 1]) }, [[2, 3, 4]])],
  ["compare: pixelValues", (bad) => compare.forward({ pixelValues: bad, inputIds: ids() })],
  ["compare: inputIds", (bad) => compare.forward({ pixelValues: pixels(2), inputIds: bad })],
];

describe.each(calls)("%s", (_, call) => {
  test.each(wrong.map((bad, index) => [index, bad] as const))(
    "wrong value %i is a UsageError",
    async (_index, bad) => {
      const failure = await failureOf(() => call(bad as never));
      expect(failure).toBeInstanceOf(UsageError);
      expect(failure.code).toMatch(/^model\/(?:bad-(?:pixels|ids|states)|unequal-batches)$/);
    },
  );
});

test.each<[string, unknown]>([
  ["of one token", [[2]]],
  ["of none", [[]]],
  ["that are no lists", [7]],
  ["with ids beyond the vocabulary", [[2, 1_000_000, 3]]],
  ["with ids that are no numbers", [[2, "4", 3]]],
  ["with half an id", [[2, 4.5, 3]]],
  ["longer than the positions", [new Array<number>(10_000).fill(2)]],
])("answers %s are refused", async (_, answers) => {
  const { states, mask } = await ask.encodeQuestions({ pixelValues: pixels(), inputIds: ids() });
  const failure = await failureOf(() => ask.rank({ states, mask }, answers as number[][]));
  expect(failure).toBeInstanceOf(UsageError);
  expect(failure.code).toBe("model/bad-ids");
  expect(failure.message).toMatch(/^answers\[0\].*: expected .*, got /);
});
