// Signals: a load and one call per verb end with the signal's reason. Every step of every load and every call of the
// classes are in abort.slow.test.ts.
import { afterAll, describe, expect, test } from "vitest";
import type { ImageInput } from "../src/platform/node/decode-image.ts";
import { nodePlatform } from "../src/platform/node/node-platform.ts";
import { Batched } from "../src/serve/batched.ts";
import { Answerer } from "../src/verbs/ask.ts";
import { Captioner } from "../src/verbs/caption.ts";
import { Comparer } from "../src/verbs/compare.ts";
import { Embedder } from "../src/verbs/embed.ts";
import { Matcher } from "../src/verbs/match.ts";
import { Retriever } from "../src/verbs/retrieve.ts";
import { fixture } from "./support/goldens.ts";

const scene = fixture("../examples/scenes/01.png");
const tiny = (name: string) => fixture(`tiny/${name}`);

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const list: Row[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

test("a load ends with a reason of the caller's own, before it and while it goes on", async () => {
  const reason = new Error("enough");
  await expect(Matcher.load(nodePlatform, tiny("match"), { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
  const controller = new AbortController();
  const loading = Matcher.load(nodePlatform, tiny("match"), { signal: controller.signal });
  controller.abort(reason);
  await expect(loading).rejects.toBe(reason);
});

describe("a call", async () => {
  const [matcher, captioner, answerer, comparer] = await Promise.all([
    Matcher.load<ImageInput>(nodePlatform, tiny("match")),
    Captioner.load<ImageInput>(nodePlatform, tiny("caption")),
    Answerer.load<ImageInput>(nodePlatform, tiny("vqa")),
    Comparer.load<ImageInput>(nodePlatform, tiny("nlvr-original")),
  ]);
  const [embedder, retriever] = await Promise.all([
    Embedder.load<ImageInput>(nodePlatform, tiny("match")),
    Retriever.load<ImageInput>(nodePlatform, tiny("match")),
  ]);
  afterAll(async () => {
    for (const verb of [matcher, captioner, answerer, comparer, embedder, retriever]) await verb.close();
  });
  const calls: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
    match: (signal) => all(matcher.match([scene], ["a dog"], { signal })),
    caption: (signal) => all(captioner.caption([scene], { signal })),
    ask: (signal) => all(answerer.ask([scene], ["what is it?"], { signal })),
    compare: (signal) => all(comparer.compare([scene, scene], ["a dog"], { signal })),
    embed: (signal) => all(embedder.embedImages([scene], { signal })),
    retrieve: (signal) => all(retriever.byText([scene], ["a dog"], { signal })),
  };

  test.each(Object.entries(calls))("of %s ends while it runs", async (_, call) => {
    const controller = new AbortController();
    const running = call(controller.signal);
    controller.abort();
    await expect(running).rejects.toBe(controller.signal.reason);
  });

  test("is one of many under one signal, of which Node does not warn", async () => {
    const { signal } = new AbortController();
    const warnings: string[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning.name);
    process.on("warning", onWarning);
    const batched = new Batched<ImageInput>({ matcher });
    // Node warns of the 11th listener.
    await Promise.all(
      Array.from({ length: 11 }, () => [
        ...Object.values(calls).map((call) => call(signal)),
        batched.match(scene, ["a dog"], { signal }),
      ]).flat(),
    );
    await batched.close();
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});
