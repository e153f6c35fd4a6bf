// Compares the outputs of a full-size random checkpoint with the reference's, which oracle/hf/full_size_tasks.py or
// oracle/legacy/full_size.py wrote into the same folder.
// Run: npx tsx bench/full-size.ts FOLDER
import { join } from "node:path";
import {
  BlipForConditionalGeneration,
  BlipForNLVR,
  BlipForQuestionAnswering,
  BlipModel,
  Retriever,
  type Tensor,
} from "blip-ts";
import { readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";

import { fileSource } from "../packages/blip/src/platform/node/local-files.ts";

const [folder] = process.argv.slice(2);
if (!folder) throw new Error("usage: npx tsx bench/full-size.ts FOLDER");
const { tensors } = await readSafetensors(await fileSource(join(folder, "reference.safetensors")));

async function bytes(name: string) {
  const stored = tensors.get(name);
  if (!stored) throw new Error(`the reference has no ${name}`);
  return { dims: stored.shape, buffer: (await readTensorBytes(stored)).slice().buffer };
}

async function floats(name: string): Promise<Tensor<"float32">> {
  const { dims, buffer } = await bytes(name);
  return { dtype: "float32", dims, data: new Float32Array(buffer) };
}

async function ids(name: string): Promise<Tensor<"int64">> {
  const { dims, buffer } = await bytes(name);
  return { dtype: "int64", dims, data: new BigInt64Array(buffer) };
}

const rowOf = (images: Tensor<"float32">, row: number): Tensor<"float32"> => {
  const [count = 0, ...rest] = images.dims;
  const size = images.data.length / count;
  return { ...images, dims: [1, ...rest], data: images.data.slice(row * size, (row + 1) * size) };
};

const numbers = ({ data }: Tensor<"int64">): number[] => Array.from(data, Number);

function report(name: string, found: ArrayLike<number>, expected: ArrayLike<number>) {
  if (found.length !== expected.length)
    throw new Error(`${name}: expected ${expected.length} numbers, got ${found.length}`);
  let worst = 0;
  let largest = 0;
  for (let index = 0; index < expected.length; index++) {
    const value = expected[index] ?? NaN;
    worst = Math.max(worst, Math.abs((found[index] ?? NaN) - value));
    largest = Math.max(largest, Math.abs(value));
  }
  console.log(
    `${name}: ${expected.length} numbers up to ${largest.toPrecision(3)}, differ by ${worst.toExponential(1)}`,
  );
  if (!(worst <= 1e-4)) process.exitCode = 1;
}

function reportIds(name: string, found: readonly number[], expected: readonly number[]) {
  const same = found.join() === expected.join();
  console.log(`${name}: ${same ? "the same" : "OTHER"} ${expected.length} ids: ${found.join(" ")}`);
  if (same) return;
  console.log(`  expected ${expected.join(" ")}`);
  process.exitCode = 1;
}

/** The ids up to the first [SEP], which ends a text. (The prompt's own [SEP] was cut off before.) */
function ended(sequence: readonly number[]): readonly number[] {
  const end = sequence.indexOf(102);
  return end < 0 ? sequence : sequence.slice(0, end + 1);
}

async function captions(source: string) {
  await using model = await BlipForConditionalGeneration.fromPretrained(source);
  const pixels = await floats("pixel_values");
  for (const row of [0, 1]) {
    const inputIds = await ids(`${row}.input_ids`);
    const decoder = inputIds.data.slice();
    decoder[0] = 30522n;
    const pixelValues = rowOf(pixels, row);
    const { logits } = await model.forward({ pixelValues, inputIds: { ...inputIds, data: decoder } });
    report(`caption ${row} logits`, logits.data, (await floats(`${row}.logits`)).data);
    for (const beams of [1, 3]) {
      const [[best] = []] = await model.generate({ pixelValues, inputIds }, { beams, maxLength: 20 });
      const expected = ended(numbers(await ids(`${row}.beams.${beams}`)));
      reportIds(`caption ${row} with ${beams} beams`, best?.tokens ?? [], expected);
    }
  }
}

async function answers(source: string) {
  await using model = await BlipForQuestionAnswering.fromPretrained(source);
  const pixels = await floats("pixel_values");
  for (const row of [0, 1]) {
    const pixelValues = rowOf(pixels, row);
    const inputIds = await ids(`${row}.input_ids`);
    const decoderInputIds = await ids(`${row}.decoder_input_ids`);
    const { logits } = await model.forward({ pixelValues, inputIds, decoderInputIds });
    report(`answer ${row} logits`, logits.data, (await floats(`${row}.logits`)).data);
    for (const beams of [1, 3]) {
      const [[best] = []] = await model.generate(
        { pixelValues, inputIds },
        { beams, maxLength: 10, minLength: 1 },
      );
      const expected = ended(numbers(await ids(`${row}.beams.${beams}`)));
      reportIds(`answer ${row} with ${beams} beams`, best?.tokens ?? [], expected);
    }
  }
}

async function features(source: string) {
  await using model = await BlipModel.fromPretrained(source);
  const image = await model.getImageFeatures(await floats("pixel_values"));
  report("image features", image.projections.data, (await floats("image_features")).data);
  const text = await model.getTextFeatures({ inputIds: await ids("input_ids") });
  report("text features", text.projections.data, (await floats("text_features")).data);
}

/** Searches in both directions, in two stages. Pairs that the second stage did not score get the reference's -100. */
async function searching(source: string) {
  const { dims, buffer } = await bytes("images");
  const [count = 0, height = 0, width = 0] = dims;
  const size = height * width * 3;
  const images = Array.from({ length: count }, (_, index) => ({
    ...{ width, height, channels: 3 as const },
    data: new Uint8Array(buffer, index * size, size),
  }));
  const texts = ["a woman and her dog on the beach", "two red cars", "a cat sitting under a tree with snow"];
  await using retriever = await Retriever.fromPretrained(source, { compat: "lavis" });
  const scores: { images: number[]; texts: number[] } = { images: [], texts: [] };
  for await (const row of retriever.byText(images, texts, { k: 2 })) {
    if (row.error) throw new Error(row.error.message);
    scores.texts.push(
      ...images.map((image) => row.hits.find((hit) => hit.image === image)?.rankScore ?? -100),
    );
  }
  report("images for texts", scores.texts, (await floats("score_matrix_t2i")).data);
  for await (const row of retriever.byImage(images, texts, { k: 2 })) {
    if (row.error) throw new Error(row.error.message);
    scores.images.push(...texts.map((text) => row.hits.find((hit) => hit.text === text)?.rankScore ?? -100));
  }
  report("texts for images", scores.images, (await floats("score_matrix_i2t")).data);
}

/** Compares the states of an image, of a text, and of the text with cross-attention to the image. */
async function states(source: string) {
  await using model = await BlipModel.fromPretrained(source, { compat: "lavis" });
  const pixels = await floats("pixel_values");
  for (const row of [0, 1]) {
    const [pixelValues, inputIds] = [rowOf(pixels, row), await ids(`${row}.input_ids`)];
    const found = {
      image: (await model.getImageFeatures(pixelValues)).states,
      text: (await model.getTextFeatures({ inputIds })).states,
      multimodal: await model.getMultimodalFeatures({ pixelValues, inputIds }),
    };
    for (const [name, { data }] of Object.entries(found))
      report(`${name} states ${row}`, data, (await floats(`${row}.${name}_states`)).data);
  }
}

async function statements(source: string) {
  await using model = await BlipForNLVR.fromPretrained(source, { compat: "lavis" });
  const [left, right] = [await floats("left"), await floats("right")];
  for (const row of [0, 1]) {
    const sides = [rowOf(left, row), rowOf(right, row)];
    const data = new Float32Array(sides.flatMap((side) => [...side.data]));
    const pixelValues = { ...left, dims: [2, ...left.dims.slice(1)], data };
    const { logits } = await model.forward({ pixelValues, inputIds: await ids(`${row}.input_ids`) });
    report(`statement ${row} logits`, logits.data, (await floats(`${row}.logits`)).data);
  }
}

async function ranking(source: string) {
  await using model = await BlipForQuestionAnswering.fromPretrained(source, { compat: "lavis" });
  const pixels = await floats("pixel_values");
  const list = await ids("answers");
  const width = list.dims[1] ?? 0;
  const unpadded = (sequence: readonly number[]) => sequence.filter((id) => id !== 0);
  const candidates = Array.from({ length: list.dims[0] ?? 0 }, (_, row) =>
    unpadded(numbers(list).slice(row * width, (row + 1) * width)),
  );
  for (const row of [0, 1]) {
    const memory = await model.encodeQuestions({
      pixelValues: rowOf(pixels, row),
      inputIds: await ids(`${row}.input_ids`),
    });
    const [ranked = []] = await model.rank(memory, candidates);
    report(
      `question ${row}, scores of ranked answers`,
      ranked.map(({ score }) => score),
      (await floats(`${row}.scores`)).data,
    );
    const expected = unpadded(numbers(await ids(`${row}.candidates`)));
    reportIds(
      `question ${row}, all answers in their order`,
      ranked.flatMap(({ tokens }) => tokens),
      expected,
    );
  }
}

if (tensors.has("left")) await statements(folder);
else if (tensors.has("score_matrix_t2i")) {
  await searching(folder);
  await states(folder);
} else if (tensors.has("answers")) await ranking(folder);
else if (tensors.has("image_features")) await features(folder);
else if (tensors.has("0.decoder_input_ids")) await answers(folder);
else await captions(folder);
