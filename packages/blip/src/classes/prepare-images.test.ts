// Models that start with an image load its session while their caller still reads it; the others load sessions on
// demand.
import { closedBy, nextTurn } from "@blip-ts/base";
import { expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { ConditionalGeneration } from "./conditional-generation.ts";
import { FeatureExtraction } from "./model.ts";
import { ImageTextRetrieval } from "./image-text-retrieval.ts";
import { NaturalLanguageVisualReasoning } from "./nlvr.ts";
import { QuestionAnswering } from "./question-answering.ts";

/** Opens a model on an engine without a thread, and returns the requested sessions. */
async function begun(
  load: (platform: typeof nodePlatform) => Promise<AsyncDisposable>,
): Promise<readonly (string | undefined)[]> {
  const names: (string | undefined)[] = [];
  const model = await load({
    ...nodePlatform,
    createEngine: () => ({
      createSession: (_model, { name } = {}) => {
        names.push(name);
        return Promise.reject(new Error("no engine"));
      },
      ...closedBy(() => Promise.resolve()),
    }),
  });
  for (let turn = 0; turn < 100 && names.length === 0; turn++) await nextTurn();
  await model[Symbol.asyncDispose]();
  return names;
}

const tiny = (name: string) => fixture(`tiny/${name}`);

test.each([
  ["matching", (of: typeof nodePlatform) => ImageTextRetrieval.load(of, tiny("match"))],
  ["captioning", (of: typeof nodePlatform) => ConditionalGeneration.load(of, tiny("caption"))],
  ["answering", (of: typeof nodePlatform) => QuestionAnswering.load(of, tiny("vqa"))],
  ["NLVR2", (of: typeof nodePlatform) => NaturalLanguageVisualReasoning.load(of, tiny("nlvr-original"))],
])("%s begins with the picture's session, whose failure is nobody's yet", async (_, load) => {
  expect(await begun(load)).toEqual(["image"]);
});

test("features begin with nothing: texts alone need no image", async () => {
  expect(await begun((of) => FeatureExtraction.load(of, tiny("match")))).toEqual([]);
});
