// Question answering: generates or ranks answers (models/blip_vqa.py; transformers `BlipForQuestionAnswering`, which
// only generates).
import {
  type Closable,
  ModelError,
  allFinite,
  asyncDispose,
  badOption,
  must,
  orClosed,
  schema,
  expectOptions,
  optionNames,
  picked,
} from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import type { Hypothesis } from "../decode/next-token-model.ts";
import { logSoftmax } from "../decode/processors.ts";
import { notFinite } from "@blip-ts/engine";
import type { BlipConfig } from "../model/config.ts";
import type { Platform } from "../platform.ts";
import { expectEqual, type GenerateOptions, generateOptionNames } from "./conditional-generation.ts";
import { type Encoders, encodersOf } from "../run/encoders.ts";
import { type ImageEncoder, type ImageOptions, imageOptionNames } from "../run/image-encoder.ts";
import type { TextEncoder } from "../run/text-encoder.ts";
import { expectFinite } from "../run/finite.ts";
import { checkStates, checkTensor, imageCount } from "../run/tensor-checks.ts";
import { checkTextFeeds, type TextFeeds } from "../run/text-feeds.ts";
import { Generator, type MaskedEncoderStates, type EncoderStates } from "../run/generate.ts";
import { loadNetwork, type LoadedNetwork } from "../load/load-model.ts";
import type { ModelOptions } from "../load/model-options.ts";
import { savePretrained } from "../save/save.ts";
import type { DecoderRun, TokenScore } from "../run/text-decoder.ts";
import { badAnswers, noAnswers } from "../run/errors.ts";

/**
 * Questions [B, T] about images [I, 3, S, S], where B is a multiple of I: the first B/I questions are about the first
 * image, and so on.
 */
export interface QuestionInputs extends TextFeeds {
  /** Images [I, 3, H, W]. All images have the same number of questions. */
  readonly pixelValues: Tensor<"float32">;
}

/** An answer from a ranked list. */
export interface RankedAnswer {
  /** Index into the list. */
  readonly index: number;
  /** Minus the sum of the label-smoothed losses of the answer's tokens, [SEP] included; BLIP's ranking criterion. */
  readonly score: number;
  /** The answer's decoder ids: [DEC] ... [SEP]. */
  readonly tokens: readonly number[];
}

/** Options to rank a list of answers. */
export interface RankOptions extends ImageOptions {
  /**
   * The number of answers to score in full, preselected by the likelihood of their first token; by default 128. If the
   * list is shorter, all its answers are scored.
   */
  readonly k?: number | undefined;
}

const rankOptionNames = optionNames<RankOptions>()({ ...imageOptionNames, k: true });

const defaultK = 128;
/** The label smoothing of the decoder's loss (models/med.py). */
const smoothing = 0.1;

/** Computes the label-smoothed cross entropy of a token. */
export const smoothedLoss = ({ logProbability, meanLogProbability }: TokenScore): number =>
  -(1 - smoothing) * logProbability - smoothing * meanLogProbability;

/**
 * A question-answering model, like transformers' BlipForQuestionAnswering. Ranking follows models/blip_vqa.py.
 */
export class QuestionAnswering implements Closable {
  /** The network with its configuration. */
  readonly loaded: LoadedNetwork;
  /** The image encoder: pixel values [B, 3, H, W] to states [B, N, D]. */
  readonly images: ImageEncoder;
  /** The question encoder, which attends to the image. */
  readonly texts: TextEncoder;
  /** The answer decoder, which attends to the question's states. */
  readonly generator: Generator;

  private constructor(loaded: LoadedNetwork, { images, texts }: Encoders, generator: Generator) {
    this.loaded = loaded;
    this.images = images;
    this.texts = texts;
    images.prepare();
    this.generator = generator;
  }

  /** @throws {ModelError} if the model cannot be found, read, or used for questions */
  static async load(
    platform: Platform<never>,
    source: string,
    options: ModelOptions = {},
  ): Promise<QuestionAnswering> {
    const loaded = await loadNetwork(platform, source, ["ask"], options);
    return orClosed(loaded.network, () => QuestionAnswering.over(loaded), options.signal);
  }

  /** Creates an instance on a loaded network. @throws {ModelError} for a generation_config.json that cannot be read */
  static async over(
    loaded: LoadedNetwork,
    encoders: Encoders = encodersOf(loaded, ["ask"]),
  ): Promise<QuestionAnswering> {
    return new QuestionAnswering(loaded, encoders, await Generator.create(loaded, "ask"));
  }

  /** Starts loading the sessions for questions distributed among images; a failure is reported at their first use. */
  prepare(questions: TextFeeds, images: number): void {
    this.texts.prepareToCrossAttend(questions, images, { padding: "dropped" });
    this.generator.decoder.prepare();
  }

  /** The network's sizes. */
  get config(): BlipConfig {
    return this.loaded.config;
  }

  /**
   * Encodes questions with cross-attention to their images. Returns states [B, T, D], and a mask that is 0 for padding.
   * @throws {UsageError} `model/bad-pixels`, `model/bad-ids`, `model/unequal-batches`
   * @throws {ModelError} `model/not-finite`
   */
  async encodeQuestions(inputs: QuestionInputs, options: ImageOptions = {}): Promise<MaskedEncoderStates> {
    expectOptions("encodeQuestions", options, imageOptionNames);
    const feeds = checkTextFeeds(inputs, this.config.text);
    this.prepare(feeds, imageCount(inputs.pixelValues));
    const images = await this.images.states(inputs.pixelValues, options);
    expectFinite(this.#name, "the states of image", images);
    const questionStates = await this.questionStates(images, feeds, options);
    expectFinite(this.#name, "the states of question", questionStates.states);
    return questionStates;
  }

  /** Encodes questions about encoded images [I, N, D]. Does not check that the states are finite. */
  async questionStates(
    images: Tensor<"float32">,
    feeds: TextFeeds,
    options: ImageOptions = {},
  ): Promise<MaskedEncoderStates> {
    const { attentionMask } = checkTextFeeds(feeds, this.config.text);
    // The decoder does not attend to padding.
    const dropped = { ...options, padding: "dropped" } as const;
    const { states } = await this.texts.crossAttend([images], feeds, undefined, dropped);
    return { states, mask: attentionMask };
  }

  /**
   * Computes the logits of the next answer token after each given decoder token: [B, T, V].
   * @throws {UsageError} `model/bad-pixels`, `model/bad-ids`, `model/unequal-batches`
   * @throws {ModelError} `model/not-finite`
   */
  async forward(
    inputs: QuestionInputs & { readonly decoderInputIds: Tensor<"int64"> },
    options: ImageOptions & { readonly decoderAttentionMask?: Tensor<"int64"> } = {},
  ): Promise<{ readonly logits: Tensor<"float32">; readonly questionEmbeds: Tensor<"float32"> }> {
    expectOptions("forward", options, { ...imageOptionNames, decoderAttentionMask: true });
    const answer = checkTextFeeds(
      { inputIds: inputs.decoderInputIds, attentionMask: options.decoderAttentionMask },
      this.config.text,
    );
    const questions = checkTextFeeds(inputs, this.config.text);
    expectEqual(must(questions.inputIds.dims, 0), must(answer.inputIds.dims, 0));
    const { states, mask } = await this.encodeQuestions(
      inputs,
      picked<ImageOptions>(options, imageOptionNames),
    );
    const run = await this.generator.decoder.open(states, mask, options);
    try {
      const logits = await run.allLogits(answer.inputIds, answer.attentionMask);
      return { logits: expectFinite(this.#name, "the logits of sequence", logits), questionEmbeds: states };
    } finally {
      run.close();
    }
  }

  /**
   * Generates answers to each question, best first. Padding is masked, so that rows do not depend on each other. (Both
   * reference implementations attend to padding.)
   * @throws {UsageError} `model/...`, `generate/...` @throws {ModelError} `model/not-finite`
   */
  async generate(
    inputs: QuestionInputs,
    options: GenerateOptions = {},
  ): Promise<readonly (readonly Hypothesis[])[]> {
    expectOptions("generate", options, generateOptionNames);
    this.generator.options([[this.loaded.tokens.dec]], options);
    return this.answer(
      await this.encodeQuestions(inputs, picked<ImageOptions>(options, imageOptionNames)),
      options,
    );
  }

  /**
   * Generates answers for encoded questions.
   * @throws {UsageError} `generate/...` @throws {ModelError} `model/not-finite`
   */
  async answer(
    questionStates: EncoderStates,
    options: GenerateOptions = {},
  ): Promise<readonly (readonly Hypothesis[])[]> {
    expectOptions("answer", options, generateOptionNames);
    return this.generator.generate(questionStates, this.#beginnings(questionStates), options, options);
  }

  /**
   * Same as `answer`, but returns an error for a question whose logits are not finite, instead of throwing it.
   * @throws {UsageError} `generate/...`
   */
  answerEach(
    questionStates: EncoderStates,
    options: GenerateOptions = {},
  ): Promise<readonly (readonly Hypothesis[] | ModelError)[]> {
    return this.generator.generateEach(questionStates, this.#beginnings(questionStates), options, options);
  }

  /**
   * Ranks a list of answers for each question like `rank_answer`: selects the k answers with the likeliest first token,
   * and sorts them by the sum of the label-smoothed losses of all their tokens. Ties keep the list's order.
   * @param answers the token ids of each answer from the tokenizer, [CLS] ... [SEP]
   * @returns the ranked answers of each question, best first
   * @throws {UsageError} `usage/no-answers`, `usage/bad-option`, `model/bad-ids`, `model/bad-states`
   * @throws {ModelError} `model/not-finite`
   */
  async rank(
    questionStates: MaskedEncoderStates,
    answers: readonly (readonly number[])[],
    options: RankOptions = {},
  ): Promise<readonly (readonly RankedAnswer[])[]> {
    expectOptions("rank", options, rankOptionNames);
    return (await this.rankEach(questionStates, answers, options)).map((ranked) => {
      if (ranked instanceof ModelError) throw ranked;
      return ranked;
    });
  }

  /**
   * Same as `rank`, but returns an error for a question whose scores are not finite, instead of throwing it.
   * @throws {UsageError} `usage/no-answers`, `usage/bad-option`
   */
  async rankEach(
    questionStates: MaskedEncoderStates,
    answers: readonly (readonly number[])[],
    options: RankOptions = {},
  ): Promise<readonly (readonly RankedAnswer[] | ModelError)[]> {
    const { k = defaultK } = options;
    checkRanking(answers, k);
    this.#checkAnswers(answers);
    const sequences = answers.map((ids) => [this.loaded.tokens.dec, ...ids.slice(1)]);
    const [count, N, D] = checkQuestions(questionStates);
    const ranked: (RankedAnswer[] | ModelError)[] = [];
    for (let row = 0; row < count; row++) {
      const states = {
        ...questionStates.states,
        dims: [1, N, D],
        data: part(questionStates.states.data, row, N * D),
      };
      const mask = { ...questionStates.mask, dims: [1, N], data: part(questionStates.mask.data, row, N) };
      ranked.push(await this.#rankOne({ states, mask }, sequences, k, options));
    }
    return ranked;
  }

  async #rankOne(
    { states, mask }: MaskedEncoderStates,
    sequences: readonly (readonly number[])[],
    k: number,
    options: RankOptions,
  ): Promise<RankedAnswer[] | ModelError> {
    const run = await this.generator.decoder.open(states, mask, options);
    try {
      return await this.#rankWith(run, sequences, k);
    } finally {
      run.close();
    }
  }

  async #rankWith(
    run: DecoderRun,
    sequences: readonly (readonly number[])[],
    k: number,
  ): Promise<RankedAnswer[] | ModelError> {
    const logits = await run.start([[this.loaded.tokens.dec]]);
    if (!allFinite(logits)) return notFinite(this.#name, "the logits of the first token");
    const first = logSoftmax(logits);
    const mean = first.reduce((sum, x) => sum + x, 0) / first.length;
    const chosen = sequences
      .map((tokens, index) => ({ tokens, index, first: must(first, must(tokens, 1)) }))
      .sort((a, b) => b.first - a.first || a.index - b.index)
      .slice(0, k);
    // Score each distinct answer once: a matrix product may round its rows differently, but equal answers must tie.
    const keyOf = (tokens: readonly number[]) => tokens.join(" ");
    const distinct = [...new Map(chosen.map((answer) => [keyOf(answer.tokens), answer])).values()];
    const scoreOf = new Map<string, number>();
    const { candidates } = this.loaded.limits;
    for (let start = 0; start < distinct.length; start += candidates) {
      const batch = distinct.slice(start, start + candidates);
      const scores = await run.scores(
        batch.map(() => 0),
        batch.map(({ tokens }) => tokens.slice(1, -1)),
        batch.map(({ tokens }) => tokens.slice(2)),
      );
      batch.forEach(({ tokens, first: logProbability }, row) => {
        const all = [{ logProbability, meanLogProbability: mean }, ...must(scores, row)];
        scoreOf.set(keyOf(tokens), -all.reduce((sum, token) => sum + smoothedLoss(token), 0));
      });
    }
    if (!allFinite([...scoreOf.values()])) return notFinite(this.#name, "the log-probabilities of answers");
    return chosen
      .map(({ index, tokens }) => ({ index, tokens, score: scoreOf.get(keyOf(tokens)) ?? -Infinity }))
      .sort((a, b) => b.score - a.score || a.index - b.index);
  }

  /** Writes a folder that transformers can load. @throws {UsageError} `save/...` if it cannot be written */
  savePretrained(folder: string): Promise<void> {
    return savePretrained(this.loaded, "ask", folder);
  }

  /** Frees the model. A second call has no effect. Later calls of other methods throw `usage/disposed`. */
  async close(): Promise<void> {
    await this.loaded.network.close();
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  get #name(): string {
    return this.loaded.opened.files.name;
  }

  /** @throws {UsageError} `model/bad-ids` */
  #checkAnswers(answers: readonly (readonly number[])[]): void {
    const { vocabSize, maxPositions } = this.config.text;
    const { mismatch } = schema.checked(answersSchema(vocabSize, maxPositions), answers);
    if (mismatch) throw badAnswers(mismatch.field, mismatch.expected, mismatch.found);
  }

  /** Returns the first ids of each question's answer: [DEC]. @throws {UsageError} `model/bad-states` */
  #beginnings(questions: EncoderStates): number[][] {
    const [count] = checkQuestions(questions);
    return Array.from({ length: count }, () => [this.loaded.tokens.dec]);
  }
}

/** The schema of answers: lists of token ids, [CLS] ... [SEP] each. */
const answersSchema = (vocabSize: number, maxPositions: number) =>
  schema.listOf(
    schema.only(
      schema.listOf(schema.whole(0, vocabSize - 1), maxPositions),
      ({ length }) => length >= 2,
      `a list of 2 to ${maxPositions} ids`,
    ),
    Infinity,
  );

/** Checks the states and the mask, if any, of questions. Returns [I, N, D]. @throws {UsageError} `model/bad-states` */
function checkQuestions({ states, mask }: EncoderStates): readonly [count: number, N: number, D: number] {
  const dims = checkStates(states);
  if (mask !== undefined)
    checkTensor(mask, { name: "mask", dtype: "int64", dims: ["I", "N"], code: "model/bad-states" });
  return dims;
}

/** @throws {UsageError} `usage/no-answers`, `usage/bad-option` */
export function checkRanking(answers: readonly unknown[], k: number = defaultK): void {
  if (answers.length === 0) throw noAnswers();
  if (!Number.isSafeInteger(k) || k < 1) throw badOption("k", k, ["a positive whole number"]);
}

function part<T extends Float32Array | BigInt64Array>(data: T, row: number, size: number): T {
  return data.slice(row * size, (row + 1) * size) as T;
}
