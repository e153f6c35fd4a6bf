// The description of a checkpoint before its weights are read, and the known faults of released files.
import { describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { inspect, printTask } from "./inspect.ts";
import { knownFaults } from "./known-faults.ts";
import type { OpenedModel } from "../load/open-model.ts";

const quiet = { onWarning: () => undefined };

describe("inspect", () => {
  test.each<[string, string[], string[]]>([
    ["match", ["match", "embed", "retrieve"], ["text_decoder", "text_decoder.cls", "cls_head"]],
    ["caption", ["caption"], ["itm_head", "text_encoder", "vision_proj", "text_proj", "cls_head"]],
    ["vqa", ["ask"], ["vision_proj", "text_proj", "itm_head", "cls_head"]],
    ["vqa-original", ["ask"], ["vision_proj", "text_proj", "itm_head", "cls_head"]],
    [
      "nlvr-original",
      ["compare"],
      ["vision_proj", "text_proj", "itm_head", "text_decoder", "text_decoder.cls"],
    ],
    ["pretrain-original", ["match", "caption", "embed", "retrieve", "pretrain"], ["cls_head"]],
    ["model", ["embed"], ["text_encoder", "vision_proj", "text_proj", "itm_head", "text_decoder"]],
  ])("%s: its tasks, and the heads that it lacks", async (name, tasks, missing) => {
    const found = await inspect(nodePlatform, fixture(`tiny/${name}`), quiet);
    expect(found.tasks).toEqual(tasks);
    expect(found.missing).toEqual(expect.arrayContaining(missing));
    for (const task of tasks.filter((one) => one !== "pretrain")) {
      const printed = await printTask(nodePlatform, fixture(`tiny/${name}`), task, quiet);
      expect(printed).toMatch(/^graph image\n/);
    }
    await expect(printTask(nodePlatform, fixture(`tiny/${name}`), "sing", quiet)).rejects.toMatchObject({
      code: "usage/unknown-task",
    });
  });

  test("says which forms of looking at images there are, and when each is chosen", async () => {
    const printed = await printTask(nodePlatform, fixture("tiny/match"), "match", quiet);
    expect(printed.match(/^graph .*$/gm)).toEqual([
      "graph image",
      "graph text",
      "graph match-folded",
      "graph text-cross-kv",
      "graph match-cached",
    ]);
    expect(printed).toMatch(
      /^# folded: for fewer than (\d+) text tokens per image: .*\ngraph match-folded$/m,
    );
    expect(printed).toMatch(/^# cached: for (\d+) text tokens or more per image: .*\ngraph match-cached$/m);
  });

  test("momentum copies, queues and the temperature are left out, and said to be", async () => {
    const { ignored } = await inspect(nodePlatform, fixture("tiny/pretrain-original"), quiet);
    const names = ignored.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["temp", "image_queue", "text_queue", "queue_ptr"]));
    expect(names.filter((name) => name.startsWith("visual_encoder_m.")).length).toBeGreaterThan(10);
    for (const { reason } of ignored) expect(reason).not.toBe("");
  });
});

describe("known faults", () => {
  const bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"].join("\n");
  /** The parts of an opened model that faults are found by. */
  const opened = (some: {
    name?: string;
    tasks?: string[];
    textWidth?: number;
    imageSize?: number;
    vocabulary?: string;
  }) =>
    ({
      files: {
        name: some.name ?? "somewhere",
        read: (name: string) => Promise.resolve(name === "vocab.txt" ? some.vocabulary : undefined),
      },
      tasks: { tasks: some.tasks ?? ["match"] },
      architecture: {
        text: { hiddenSize: some.textWidth ?? 768, vocabSize: undefined },
        vision: { imageSize: some.imageSize ?? 384 },
      },
    }) as unknown as OpenedModel;
  const codes = async (model: OpenedModel, json?: unknown) =>
    (await knownFaults(model, json, () => Promise.resolve(`${bert}\n[DEC]\n[ENC]`))).map(({ code }) => code);

  test.each<[string, Parameters<typeof opened>[0], unknown, string[]]>([
    ["no config.json", {}, undefined, []],
    ["a config.json without an epsilon", {}, {}, ["fault/vision-eps"]],
    ["the Hub's epsilon", {}, { vision_config: { layer_norm_eps: 1e-5 } }, ["fault/vision-eps"]],
    ["the trained epsilon", {}, { vision_config: { layer_norm_eps: 1e-6 } }, []],
    ["a model of another width", { textWidth: 64 }, {}, []],
    ["BERT's vocabulary", { vocabulary: bert }, undefined, ["fault/special-tokens"]],
    ["BLIP's vocabulary", { vocabulary: `${bert}\n[DEC]\n[ENC]` }, undefined, []],
    [
      "the Hub's captioner",
      { name: "Salesforce/blip-image-captioning-base", tasks: ["caption"] },
      undefined,
      ["fault/pre-trained-captioner"],
    ],
    [
      "all heads of pre-training",
      { tasks: ["match", "caption", "pretrain"] },
      undefined,
      ["fault/pre-trained-captioner"],
    ],
    [
      "all those heads in a model of another width",
      { tasks: ["caption", "pretrain"], textWidth: 160 },
      {},
      [],
    ],
    [
      "a captioner of 224 pixels",
      { tasks: ["caption"], imageSize: 224 },
      undefined,
      ["fault/pre-trained-captioner"],
    ],
    [
      "a fine-tuned captioner",
      { tasks: ["caption"], name: "model_base_caption_capfilt_large" },
      undefined,
      [],
    ],
    ["matching at 224 pixels", { imageSize: 224 }, undefined, []],
  ])("of %s", async (_what, model, json, expected) => {
    expect(await codes(opened(model), json)).toEqual(expected);
  });

  test("each says what it means, with its numbers", async () => {
    const [eps, tokens] = await knownFaults(
      opened({ vocabulary: bert }),
      { vision_config: { layer_norm_eps: 1e-5 }, text_config: { bos_token_id: 30522 } },
      () => Promise.resolve(bert),
    );
    expect(eps?.message).toMatch(/0\.00001.*1e-6|0\.000001/);
    expect(tokens?.message).toMatch(/\[DEC\] and \[ENC\].*30522 and 30523/);
  });
});
