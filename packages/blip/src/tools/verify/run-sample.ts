// Runs published samples: one function per kind of sample.
import { type Closable, allFinite, asyncDispose, must, revivedError } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import { readTensorBytes } from "@blip-ts/checkpoint";
import { projectionGraph } from "../../model/encoders.ts";
import type { Platform } from "../../platform.ts";
import { float32Output, notFinite, type RunOptions } from "@blip-ts/engine";
import { Answerer } from "../../verbs/ask.ts";
import { Captioner } from "../../verbs/caption.ts";
import type { ConditionalGeneration } from "../../classes/conditional-generation.ts";
import { Embedder } from "../../verbs/embed.ts";
import { expectFinite } from "../../run/finite.ts";
import type { FeatureExtraction } from "../../classes/model.ts";
import type { LoadedNetwork } from "../../load/load-model.ts";
import { Matcher } from "../../verbs/match.ts";
import { openWeights } from "../../load/open-model.ts";
import {
  processorsOf,
  verbOptions,
  type FailedRow,
  type FailedText,
  type VerbOptions,
} from "../../verbs/image-batches.ts";
import type { Published, Sample } from "./published-samples.ts";
import { smoothedLoss } from "../../classes/question-answering.ts";
import { noTemperature } from "../errors.ts";

export interface Finding {
  readonly expected: string;
  readonly found: string;
  readonly equal: boolean;
}

/** The hint to show if the numbers are those of a known fault. */
const eightHeadsHint =
  "these are the results of 8 attention heads in the text model, as in the first config files; the weights were trained " +
  "with 12: leave out textHeads";

/** Five significant or decimal digits. */
const digits = (value: number) => (Math.abs(value) < 0.01 ? value.toPrecision(5) : value.toFixed(5));

const isNear = ([value, tolerance]: Published, measured: number) => Math.abs(value - measured) <= tolerance;

/** Compares numbers. @param eightHeads the numbers that a known fault produces, in the same order */
function numbers(
  list: readonly (readonly [name: string, expected: Published | undefined, found: number])[],
  eightHeads?: readonly number[],
): Finding {
  const asked = list.flatMap(([name, expected, found], index) =>
    expected === undefined ? [] : [{ name, expected, found, fault: eightHeads?.[index] ?? NaN }],
  );
  const equal = asked.every(({ expected, found }) => isNear(expected, found));
  const faulty = !equal && asked.every(({ expected, found, fault }) => isNear([fault, expected[1]], found));
  const measured = asked.map((entry) => `${entry.name} ${digits(entry.found)}`).join(", ");
  return {
    expected: asked
      .map(
        ({ name, expected: [value, tolerance] }) =>
          `${name} ${digits(value)} +- ${Number(tolerance.toPrecision(3))}`,
      )
      .join(", "),
    found: faulty ? `${measured} (${eightHeadsHint})` : measured,
    equal,
  };
}

/** Compares token ids if they were published, otherwise the text. */
function words(
  expected: {
    readonly tokens?: readonly number[];
    readonly text: string | undefined;
    readonly eightHeads?: readonly number[];
  },
  found: { readonly tokens: readonly number[]; readonly text: string },
): Finding {
  if (!expected.tokens)
    return { expected: expected.text ?? "", found: found.text, equal: expected.text === found.text };
  const [wanted, got] = [expected.tokens.join(" "), found.tokens.join(" ")];
  const hint = expected.eightHeads?.join(" ") === got ? `: ${eightHeadsHint}` : "";
  return { expected: wanted, found: `${got} (${found.text}${hint})`, equal: wanted === got };
}

/** @throws {ModelError} `model/not-finite` @throws {UsageError} for other errors of the row */
function succeeded<Row extends object>(row: Row | FailedRow<unknown> | FailedText): Row {
  if (!("error" in row)) return row;
  const { code, message } = row.error;
  throw revivedError({ type: code.startsWith("model/") ? "model" : "usage", code, message });
}

async function first<Row extends object>(
  rows: AsyncIterable<Row | FailedRow<unknown> | FailedText>,
): Promise<Row> {
  for await (const row of rows) return succeeded(row);
  throw new Error("an image gave no row");
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, value, index) => sum + value * must(b, index), 0);

const mean = (values: Iterable<number>): number => {
  let [sum, count] = [0, 0];
  for (const value of values) [sum, count] = [sum + value, count + 1];
  return sum / count;
};

/** Projects all tokens' states [B, T, D] to unit vectors [B, T, E]. Verbs use only the first token's vector. */
export async function projected(
  { network, config }: Pick<LoadedNetwork, "network" | "config">,
  of: "image" | "text",
  states: Tensor<"float32">,
): Promise<Tensor<"float32">> {
  const build = () => projectionGraph(config, of);
  const session = await network.session(`projection ${of}`, build);
  return float32Output(await session.run({ states }), "features");
}

/**
 * The temperature of the contrastive loss, which training stored in an original file.
 * @throws {UsageError} `verify/no-temperature`
 */
async function temperatureOf({ opened: { files } }: Pick<LoadedNetwork, "opened">): Promise<number> {
  const stored = (await openWeights(files)).tensors.get("temp");
  if (stored?.dtype !== "float32") throw noTemperature(files.name);
  const { buffer, byteOffset } = await readTensorBytes(stored);
  return new DataView(buffer, byteOffset).getFloat32(0, true);
}

/** The means of all states and of all unit vectors. */
async function featureMeans<ImageInput>(
  platform: Platform<ImageInput>,
  model: FeatureExtraction,
  image: ImageInput,
  text: string,
  options: VerbOptions,
) {
  const { images, texts } = await processorsOf(platform, model.loaded, options);
  const run = { signal: options.signal };
  const [pixelValues, feeds] = [await images.batch([image], run), texts.encode([text])];
  const states = (await model.getImageFeatures(pixelValues, run)).states;
  const words = (await model.getTextFeatures(feeds, run)).states;
  const both = await model.getMultimodalFeatures({ ...feeds, pixelValues }, run);
  const means = {
    image: mean(states.data),
    multimodal: mean(both.data),
    text: mean(words.data),
    textProjection: mean((await projected(model.loaded, "text", words)).data),
    imageProjection: mean((await projected(model.loaded, "image", states)).data),
  };
  if (!allFinite(Object.values(means)))
    throw notFinite(model.loaded.opened.files.name, "the projections of all states");
  return means;
}

/** softmax(cosines / temperature) of an image over names. */
async function zeroShot<ImageInput>(
  embedder: Embedder<ImageInput>,
  image: ImageInput,
  names: readonly string[],
  stop: RunOptions,
): Promise<number[]> {
  const { embedding } = await first(embedder.embedImages([image], stop));
  const temperature = await temperatureOf(embedder.model.loaded);
  const scores: number[] = [];
  for await (const text of embedder.embedTexts(names, stop))
    scores.push(dot(embedding, succeeded(text).embedding) / temperature);
  const most = Math.max(...scores);
  if (!Number.isFinite(most)) throw notFinite(embedder.model.loaded.opened.files.name, "its temperature");
  const powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/**
 * The mean smoothed loss of a caption's tokens after the first `promptTokens`, with [SEP] (models/blip.py
 * `BLIP_Decoder`).
 */
async function captionLoss<ImageInput>(
  platform: Platform<ImageInput>,
  model: ConditionalGeneration,
  image: ImageInput,
  text: string,
  promptTokens: number,
  options: VerbOptions,
): Promise<number> {
  const { images, texts } = await processorsOf(platform, model.loaded, options);
  const { signal } = options;
  const ids = [model.loaded.tokens.dec, ...texts.tokenizer.ids(text).slice(1)];
  const { name } = model.loaded.opened.files;
  const pixels = await images.batch([image], { signal });
  const states = await model.images.states(pixels, { signal });
  expectFinite(name, "the states of image", states);
  const run = await model.generator.decoder.open(states, undefined, { signal });
  try {
    const [scores = []] = await run.scores([0], [ids.slice(0, -1)], [ids.slice(promptTokens)]);
    const loss = mean(scores.map(smoothedLoss));
    if (!Number.isFinite(loss)) throw notFinite(name, "the log-probabilities of the caption");
    return loss;
  } finally {
    run.close();
  }
}

/** The verb that runs each kind of sample. */
const verbs = {
  ...{ match: "matcher", embed: "embedder", means: "embedder", classify: "embedder" },
  ...{ caption: "captioner", loss: "captioner", ask: "answerer" },
} as const satisfies Record<Sample["expected"]["task"], string>;

/** The key of a sample's model. Samples with equal keys run on one loaded model. */
export const modelOf = ({ compat, imageSize, expected }: Sample): string =>
  [verbs[expected.task], compat, imageSize ?? ""].join(" ");

/** The model for a group of samples, loaded on first use. */
export class SampledModel<ImageInput> implements Closable {
  readonly #platform: Platform<ImageInput>;
  readonly #source: string;
  readonly #options: VerbOptions;
  #matcher: Matcher<ImageInput> | undefined;
  #embedder: Embedder<ImageInput> | undefined;
  #captioner: Captioner<ImageInput> | undefined;
  #answerer: Answerer<ImageInput> | undefined;

  /** @param sample one of the samples, which share the same `modelOf` */
  constructor(
    platform: Platform<ImageInput>,
    source: string,
    { compat, imageSize }: Sample,
    options: VerbOptions,
  ) {
    this.#platform = platform;
    this.#source = source;
    this.#options = verbOptions({ ...options, compat, imageSize });
  }

  /**
   * Compares the model's result with the published result.
   * @throws {ModelError} if the model cannot do the sample's task
   * @throws {UsageError} `image/...` for an image that cannot be read, `verify/no-temperature`
   */
  async ask({ expected }: Sample, image: ImageInput): Promise<Finding> {
    const [platform, source, options] = [this.#platform, this.#source, this.#options];
    const stop = { signal: options.signal };
    switch (expected.task) {
      case "match": {
        const matcher = (this.#matcher ??= await Matcher.load(platform, source, options));
        const row = await first(matcher.match([image], [expected.text], stop));
        return numbers(
          [
            ["probability", expected.probability, row.probability],
            ["cosine", expected.cosine, row.cosine],
          ],
          expected.eightHeads,
        );
      }
      case "embed":
      case "means":
      case "classify":
        return this.#features(
          (this.#embedder ??= await Embedder.load(platform, source, options)),
          expected,
          image,
        );
      case "loss": {
        const { model } = (this.#captioner ??= await Captioner.load(platform, source, options));
        const { text, promptTokens } = expected;
        const loss = await captionLoss(platform, model, image, text, promptTokens, options);
        return numbers([["loss", expected.loss, loss]]);
      }
      case "caption": {
        const captioner = (this.#captioner ??= await Captioner.load(platform, source, options));
        const row = await first(captioner.caption([image], { prompt: expected.prompt, ...stop }));
        return words({ ...expected, text: expected.caption }, { tokens: row.tokens, text: row.caption });
      }
      case "ask": {
        const answerer = (this.#answerer ??= await Answerer.load(platform, source, options));
        const row = await first(
          answerer.ask([image], [expected.question], { answers: expected.answers, ...stop }),
        );
        return words({ ...expected, text: expected.answer }, { tokens: row.tokens, text: row.answer });
      }
    }
  }

  /** Frees the loaded models. */
  async close(): Promise<void> {
    for (const one of [this.#matcher, this.#embedder, this.#captioner, this.#answerer]) await one?.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #features(
    embedder: Embedder<ImageInput>,
    expected: Extract<Sample["expected"], { task: "embed" | "means" | "classify" }>,
    image: ImageInput,
  ): Promise<Finding> {
    const stop = { signal: this.#options.signal };
    switch (expected.task) {
      case "embed": {
        const imageRow = await first(embedder.embedImages([image], stop));
        const text = await first(embedder.embedTexts([expected.text], stop));
        return numbers([["cosine", expected.cosine, dot(imageRow.embedding, text.embedding)]]);
      }
      case "means": {
        const { text } = expected;
        const means = await featureMeans(this.#platform, embedder.model, image, text, this.#options);
        return numbers(expected.means.map(([name, value]) => [name, value, means[name]]));
      }
      case "classify": {
        const names = expected.names.map(([name]) => name);
        const shares = await zeroShot(embedder, image, names, stop);
        return numbers(expected.names.map(([name, share], index) => [name, share, must(shares, index)]));
      }
    }
  }
}
