// The goldens of the tiny checkpoints on every device that is present. Where a machine has no graphics card, WebGPU runs
// on SwiftShader (vitest.slow.config.ts).
import { BlipError, closedBy } from "@blip-ts/base";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { floatTensor, GraphBuilder, emitOnnx, int64Tensor, type Tensor } from "@blip-ts/graph";
import { afterAll, describe, expect, test } from "vitest";
import { type Device, type EngineSession, openEngine, type Profile } from "@blip-ts/engine";
import { nodePlatform } from "../src/platform/node/node-platform.ts";
import { ConditionalGeneration } from "../src/classes/conditional-generation.ts";
import { FeatureExtraction } from "../src/classes/model.ts";
import { ImageTextRetrieval } from "../src/classes/image-text-retrieval.ts";
import { loadNetwork } from "../src/load/load-model.ts";
import { NaturalLanguageVisualReasoning } from "../src/classes/nlvr.ts";
import { QuestionAnswering } from "../src/classes/question-answering.ts";
import { rowsOf } from "../src/run/batch-rows.ts";
import {
  expectClose,
  fixture,
  goldenJson,
  goldenTensors,
  likelierEnds,
  optionsOf,
  unpadded,
  type GeneratedCase,
} from "./support/goldens.ts";
import { runScript } from "./support/run-script.ts";

/**
 * Devices sum in other orders, and their exponentials and error functions are approximations. On SwiftShader the worst
 * of logits of magnitude 10 is off by 5e-6; a wrong kernel was off by 0.1.
 */
const tolerance = 5e-5;

const ends = likelierEnds();
afterAll(ends.remove);

/** Opens a device with a session that stays open, so that its shaders are compiled once; or says why there is none. */
async function present(device: Device): Promise<EngineSession | string> {
  try {
    const { engine } = await openEngine(nodePlatform, "fp32", { device, onWarning: () => undefined });
    const b = GraphBuilder.create("held");
    const x = b.input("x", "float32", [1]);
    b.output("y", b.add(x, x));
    const onnx = emitOnnx(b.build(), () => {
      throw new Error("there is no weight");
    });
    return await engine.createSession({ onnx, external: [] });
  } catch (error) {
    if (error instanceof BlipError) return error.message;
    throw error;
  }
}

/** What may be left on the processor: sizes of tensors, and the casts of token ids and masks, which come from there. */
const onProcessor = ["Shape", "Concat", "Cast", "Mul", "Div", "Add", "Unsqueeze"];

/** Eight beams take minutes on SwiftShader and show nothing that three do not. */
const fewBeams = ({ options: { num_beams = 1 } }: GeneratedCase): boolean => Number(num_beams) <= 3;

for (const device of ["webgpu", "cuda", "coreml", "dml"] as const) {
  const held = await present(device);
  const absent = typeof held === "string";
  if (!absent) afterAll(() => held[Symbol.asyncDispose]());

  describe.skipIf(absent)(absent ? held : device, () => {
    const options = { device, onWarning: () => undefined };

    test("match: transformers' logits and cosines, many texts of one picture too", async () => {
      const tensors = await goldenTensors("match");
      const { texts } = await goldenJson<{ texts: readonly string[] }>("match");
      await using model = await ImageTextRetrieval.load(nodePlatform, fixture("tiny/match"), options);
      const encode = (some: readonly string[]) =>
        model.loaded.tokenizer.encode(some, model.config.text.maxPositions);
      const pixelValues = await tensors.floats("pixel_values");
      const inputs = { pixelValues, ...encode(texts) };
      expectClose((await model.forward(inputs)).itmScore, await tensors.floats("itm_score"), tolerance);
      const { itmScore } = await model.forward(inputs, { useItmHead: false });
      expectClose(itmScore, await tensors.floats("cosine"), tolerance);
      // More than 32 queries of one picture: ONNX Runtime takes another attention kernel there.
      const many = Array.from({ length: 12 }, (_, index) => texts[index % texts.length] ?? "");
      await using processor = await ImageTextRetrieval.load(nodePlatform, fixture("tiny/match"));
      const one = { pixelValues: rowsOf(pixelValues, 0, 1), ...encode(many) };
      expectClose((await model.forward(one)).itmScore, (await processor.forward(one)).itmScore, tolerance);
    });

    test("caption: transformers' logits, and its tokens with beams and where sequences end early", async () => {
      const tensors = await goldenTensors("caption");
      const { cases } = await goldenJson<{ cases: readonly GeneratedCase[] }>("caption");
      const pixels = await tensors.floats("pixel_values");
      {
        await using model = await ConditionalGeneration.load(nodePlatform, fixture("tiny/caption"), options);
        const { logits } = await model.forward({
          pixelValues: rowsOf(pixels, 0, 2),
          inputIds: await tensors.ids("input_ids"),
          attentionMask: await tensors.ids("attention_mask"),
        });
        expectClose(logits, await tensors.floats("logits"), tolerance);
      }
      const most = Math.max(...cases.map(({ sepBias }) => sepBias));
      for (const sepBias of [0, most]) {
        await using model = await ConditionalGeneration.load(
          nodePlatform,
          await ends.of("caption", sepBias),
          options,
        );
        const some = cases.filter((one) => one.sepBias === sepBias && fewBeams(one));
        for (const one of some.slice(0, 3)) {
          const ids = one.prompt === null ? undefined : model.loaded.tokenizer.ids(one.prompt);
          const rows = one.rows.length;
          const inputIds =
            ids &&
            int64Tensor(
              [rows, ids.length],
              one.rows.flatMap(() => ids),
            );
          const found = await model.generate(
            { pixelValues: rowsOf(pixels, 0, rows), inputIds },
            optionsOf(one),
          );
          expect(
            found.map((row) => row.map(({ tokens }) => tokens)),
            JSON.stringify(one.options),
          ).toEqual(one.rows.map(({ sequences }) => sequences.map(unpadded)));
        }
      }
    });

    test("the decoder's caches stay on the device over all steps", async () => {
      const loaded = await loadNetwork(nodePlatform, fixture("tiny/caption"), ["caption"], options);
      const kept: Record<string, number> = {};
      const returned = new Set<string>();
      const { network } = loaded;
      const session = network.session.bind(network);
      network.session = async (key, build, sharing) => {
        const made = await session(key, build, sharing);
        return {
          run: (feeds, call) => made.run(feeds, call),
          runRetaining: async (feeds, keep, call) => {
            const outputs = await made.runRetaining(feeds, keep, call);
            for (const tensor of Object.values(outputs.retained)) {
              expect(tensor.onDevice).toBe(true);
              kept[key] = (kept[key] ?? 0) + 1;
            }
            for (const name of Object.keys(outputs.tensors)) returned.add(name);
            return outputs;
          },
          release: (tensors) => made.release(tensors),
          ...closedBy(() => made.close()),
        };
      };
      await using model = await ConditionalGeneration.over(loaded);
      const pixels = await (await goldenTensors("caption")).floats("pixel_values");
      await model.generate({ pixelValues: rowsOf(pixels, 0, 1) }, { maxLength: 6, minLength: 6 });
      const layers = model.config.text.layers;
      // Keys and values of every layer: of the memory once, of each of 5 steps with its states.
      expect(kept).toEqual({ "decoder cross-kv": 2 * layers, "decoder decode": 5 * (2 * layers + 1) });
      expect([...returned]).toEqual(["logits"]);
    });

    test("ask: question states, generated answers, and ranked ones as the processor ranks them", async () => {
      const tensors = await goldenTensors("vqa");
      const golden = await goldenJson<{ cases: readonly GeneratedCase[]; questions: readonly string[] }>(
        "vqa",
      );
      const pixels = await tensors.floats("pixel_values");
      const folder = await mkdtemp(join(tmpdir(), "blip-devices-"));
      const profiles: Profile[] = [];
      const model = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa"), {
        ...options,
        profile: join(folder, "trace.json"),
        onProfile: (profile) => profiles.push(profile),
      });
      const encode = (count: number) =>
        model.loaded.tokenizer.encode(golden.questions.slice(0, count), model.config.text.maxPositions);
      const some = golden.cases.filter((one) => one.sepBias === 0 && fewBeams(one));
      for (const one of some.slice(0, 2)) {
        const count = one.rows.length;
        const found = await model.generate(
          { pixelValues: rowsOf(pixels, 0, count), ...encode(count) },
          optionsOf(one),
        );
        expect(found.map((row) => row.map(({ tokens }) => tokens))).toEqual(
          one.rows.map(({ sequences }) => sequences.map(unpadded)),
        );
      }
      await using processor = await QuestionAnswering.load(nodePlatform, fixture("tiny/vqa"));
      const ids = ["a dog", "two red cars", "snow", "a woman"].map((answer) =>
        model.loaded.tokenizer.ids(answer),
      );
      const inputs = { pixelValues: rowsOf(pixels, 0, 1), ...encode(1) };
      const rank = async (one: QuestionAnswering) =>
        (await one.rank(await one.encodeQuestions(inputs), ids))[0] ?? [];
      const [there, here] = [await rank(model), await rank(processor)];
      expect(there.map(({ index }) => index)).toEqual(here.map(({ index }) => index));
      there.forEach(({ score }, place) => expect(score).toBeCloseTo(here[place]?.score ?? NaN, 3));
      await model[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
      // The trace of all its graphs: nothing was silently left to the processor.
      expect(profiles[0]?.sessions.toSorted()).toEqual(
        ["cross-kv", "decode", "image", "multimodal-cached", "multimodal-folded", "text-cross-kv"]
          .concat("score", "select")
          .toSorted(),
      );
      const left = profiles.flatMap(({ operators }) =>
        operators.filter(({ provider }) => provider === "CPU").map(({ operator }) => operator),
      );
      expect(left.filter((operator) => !onProcessor.includes(operator))).toEqual([]);
    });

    test("compare: LAVIS's logits", async () => {
      const tensors = await goldenTensors("legacy-nlvr");
      const { texts } = await goldenJson<{ texts: readonly string[] }>("legacy-nlvr");
      const [left, right] = [await tensors.floats("left"), await tensors.floats("right")];
      const data = new Float32Array(left.data.length * 2);
      data.set(left.data);
      data.set(right.data, left.data.length);
      const pixelValues: Tensor<"float32"> = floatTensor([2 * texts.length, ...left.dims.slice(1)], data);
      await using model = await NaturalLanguageVisualReasoning.load(
        nodePlatform,
        fixture("tiny/nlvr-original"),
        options,
      );
      const encoded = model.loaded.tokenizer.encode(texts, model.config.text.maxPositions);
      const { logits } = await model.forward({ pixelValues, ...encoded });
      expectClose(logits, await tensors.floats("logits"), tolerance);
    });

    test("embed: transformers' features", async () => {
      const tensors = await goldenTensors("features");
      await using model = await FeatureExtraction.load(nodePlatform, fixture("tiny/model"), options);
      const images = await model.getImageFeatures(await tensors.floats("pixel_values"));
      expectClose(images.features, await tensors.floats("image_embeds"), tolerance);
      const texts = await model.getTextFeatures({
        inputIds: await tensors.ids("input_ids"),
        attentionMask: await tensors.ids("attention_mask"),
      });
      expectClose(texts.features, await tensors.floats("text_embeds"), tolerance);
    });

    test("half precision passes its self-test, or is refused with the reason", async () => {
      const call = openEngine(nodePlatform, "fp16", options);
      const found = await call.then(
        ({ device: opened }) => opened,
        (error: unknown) => (error instanceof BlipError ? error.message : error),
      );
      if (found !== device) expect(found).toMatch(/cannot be used: .*(?:f16|float16)/);
    });

    test("a process ends by itself whose weights could not be converted, or whose device is refused", async () => {
      const home = await mkdtemp(join(tmpdir(), "blip-device-"));
      const script = `
        const stop = new AbortController();
        const loading = { device: "${device}", dtype: "fp16", signal: stop.signal, onWarning: () => undefined };
        const onProgress = ({ kind }) => (kind === "convert" ? stop.abort() : undefined);
        const load = blip.Matcher.fromPretrained(${JSON.stringify(fixture("tiny/match"))}, { ...loading, onProgress });
        await load.catch(({ name, code }) => console.log(name === "AbortError" ? name : code));
      `;
      expect(await runScript(script, { HF_HOME: home }, 120_000)).toMatch(/^(?:AbortError|model\/device)\n$/);
      await rm(home, { recursive: true });
    });
  });
}
