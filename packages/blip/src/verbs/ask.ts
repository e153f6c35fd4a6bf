// The verb `ask`: answers questions about images, freely or from a list (models/blip_vqa.py).
import {
  BlipError,
  type ModelError,
  atLeast,
  must,
  expectOptions,
  optionNames,
  withoutNames,
} from "@blip-ts/base";
import { expectImages } from "../image/expect-images.ts";
import type { Tensor } from "@blip-ts/graph";
import { checkUngenerated, type GenerationOptions, generationOptionNames } from "../decode/options.ts";
import type { Platform } from "../platform.ts";
import type { EncodedTexts } from "../text/word-piece.ts";
import { fullGroups, pickTexts } from "./distinct-images.ts";
import { allFailed, failuresOf } from "../run/finite.ts";
import { sumOf, type MaskedEncoderStates } from "../run/generate.ts";
import {
  answersOf,
  chunks,
  inOrder,
  readBatches,
  repeat,
  rowError,
  type FailedRow,
  type RowError,
  type VerbCallOptions,
  type VerbOptions,
  verbCallOptionNames,
} from "./image-batches.ts";
import { imagesOfRows, RowVerb, stacked, type PixelBatch, type SeenImage, type SeenRequest } from "./rows.ts";
import { loadVerb, type VerbParts } from "./verb.ts";
import { checkRanking, QuestionAnswering } from "../classes/question-answering.ts";
import { rowsOf } from "../run/batch-rows.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { noQuestions } from "./errors.ts";

/** An answer to a question about an image. */
export interface AnswerRow<ImageInput> {
  /** The image, as it was given. */
  readonly image: ImageInput;
  /** The question, as it was given. */
  readonly question: string;
  /** The answer. */
  readonly answer: string;
  /** The whole decoder sequence: [DEC], the answer, and [SEP] if it was reached. */
  readonly tokens: readonly number[];
  /** The natural-log probability of the answer's tokens; when ranking, minus the sum of label-smoothed losses. */
  readonly score: number;
  /** Present only if the row failed. */
  readonly error?: undefined;
}

/** Options for answering questions. */
export interface AskOptions extends GenerationOptions, VerbCallOptions {
  /** Answers to choose from, ranked as in BLIP. Without it, the model generates the answer. */
  readonly answers?: readonly string[] | undefined;
  /**
   * The number of answers to score in full, preselected by the likelihood of their first token. Default: 128. If the
   * list is shorter, all its answers are scored.
   */
  readonly k?: number | undefined;
}

export const askOptionNames = optionNames<AskOptions>()({
  ...generationOptionNames,
  ...verbCallOptionNames,
  answers: true,
  k: true,
});

/** The most questions per image that are encoded together. */
const questionBatch = 128;

interface QuestionPart {
  readonly questions: readonly string[];
  readonly encoded: EncodedTexts;
}

const sameTexts = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((text, index) => text === b[index]);

type Scored = Omit<AnswerRow<never>, "image">;
/** The answer to one question, without its image and question. */
export type Answer = Omit<Scored, "question" | "error">;
type Answers = readonly Answer[];
/** The row of a question, or the question's error. */
type Asked = Scored | { readonly question: string; readonly error: RowError };

/** Options for answering a stream of rows. */
export type AskRowOptions = Omit<AskOptions, "onProgress">;

const askRowOptionNames = withoutNames(askOptionNames, "onProgress");

/** An image with a question, as a row. */
export interface AnswerRequest<ImageInput> {
  /** The image that the question is about. */
  readonly image: ImageInput;
  /** A question in English. */
  readonly question: string;
}

/** A question-answering model with the processors of its images and questions. */
export class Answerer<ImageInput> extends RowVerb<
  ImageInput,
  QuestionAnswering,
  AnswerRequest<ImageInput>,
  Answer,
  AskRowOptions
> {
  /** The last list of answers. */
  #list: { readonly answers: readonly string[]; readonly ids: number[][] } | undefined;

  /** @throws {ModelError} if the model cannot be found, read, or used for questions */
  static load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Answerer<ImageInput>> {
    return loadVerb(platform, source, ["ask"], options, (parts) => Answerer.over(parts));
  }

  /** Creates an answerer over a loaded network. */
  static async over<ImageInput>({
    loaded,
    encoders,
    processors,
  }: VerbParts<ImageInput>): Promise<Answerer<ImageInput>> {
    return new Answerer(await QuestionAnswering.over(loaded, encoders), processors);
  }

  /**
   * Answers every question about every image. Rows are ordered by image, then by question. An image that cannot be
   * read, or whose states are not finite, gives one row with its error. A question whose results are not
   * finite gives a row with its error; if every question fails, the image gets a single error row.
   * @throws {UsageError} `usage/no-images`, `usage/no-questions`, `usage/no-answers`, `usage/bad-option`, `text/empty`,
   * `generate/...`
   * @throws {InputError} `text/too-long`
   */
  async *ask<Input extends ImageInput>(
    images: readonly Input[],
    questions: readonly string[],
    options: AskOptions = {},
  ): AsyncGenerator<AnswerRow<Input> | FailedRow<Input>, void, undefined> {
    expectOptions("ask", options, askOptionNames);
    const { texts } = this.processors;
    expectImages(images);
    expectTexts(questions, "questions");
    if (questions.length === 0) throw noQuestions();
    const parts = chunks(questions, questionBatch).map((part, index) => ({
      questions: part,
      encoded: texts.encodeQuestions(part, index * questionBatch),
    }));
    // Check the call before any image is read.
    const answerIds = this.#answerIds(options);
    parts.slice(0, 1).forEach(({ encoded }) => this.model.prepare(encoded, 1));
    for await (const batch of readBatches(images, this.processors.images, options)) {
      const { pixels } = batch;
      const rows = await answersOf(async () => (pixels ? this.#rows(pixels, parts, options, answerIds) : []));
      yield* inOrder(batch, rows);
    }
  }

  /**
   * @throws {UsageError} `usage/no-answers`, `usage/bad-option`, `text/empty`, `generate/...`
   * @throws {InputError} `text/too-long`
   */
  check({ question }: Pick<AnswerRequest<ImageInput>, "question">, options: AskRowOptions): void {
    this.processors.texts.encodeQuestions([question]);
    this.#answerIds(options);
  }

  protected readonly callNames = askRowOptionNames;

  protected checkOptions(options: AskRowOptions): void {
    this.#answerIds(options);
  }

  protected imagesOf({ image }: AnswerRequest<ImageInput>): readonly ImageInput[] {
    return [image];
  }

  protected async see({ pixels }: PixelBatch, { signal }: AskRowOptions): Promise<(SeenImage | BlipError)[]> {
    if (!pixels) return [];
    const states = await this.model.images.states(pixels, { signal });
    return this.#brokenIn("image", states).map(
      (broken, row) => broken ?? { states: rowsOf(states, row, row + 1) },
    );
  }

  protected async answer(
    rows: readonly SeenRequest<AnswerRequest<ImageInput>>[],
    options: AskRowOptions,
  ): Promise<(Answers | BlipError)[]> {
    const { signal } = options;
    const encoded = this.processors.texts.encodeQuestions(rows.map(({ request }) => request.question));
    const answerIds = this.#answerIds(options);
    const { images, places } = imagesOfRows(rows);
    const answers: (Answers | BlipError)[] = [];
    for (const group of fullGroups(places, questionBatch)) {
      const states = stacked(group.images.map((index) => must(images, index).states));
      const texts = pickTexts(encoded, group.rows);
      const questionStates = await this.model.questionStates(states, texts, { signal });
      const groupAnswers = await this.#answersOf(questionStates, answerIds, options);
      group.rows.forEach((row, index) => (answers[row] = must(groupAnswers, index, "answers")));
    }
    return answers;
  }

  /** Checks all options. Returns the token ids of `options.answers`, if given. */
  #answerIds(options: AskOptions): number[][] | undefined {
    const { answers, k } = options;
    this.model.generator.options([[this.model.loaded.tokens.dec]], options);
    if (!answers) return undefined;
    checkRanking(answers, k);
    checkUngenerated(options);
    // Consecutive requests usually have the same list.
    if (!this.#list || !sameTexts(this.#list.answers, answers))
      this.#list = { answers: [...answers], ids: this.processors.texts.answerIds(answers) };
    return this.#list.ids;
  }

  #brokenIn(what: "image" | "question", states: Tensor<"float32">): readonly (ModelError | undefined)[] {
    return failuresOf(this.model.loaded.opened.files.name, `the states of the ${what}`, states);
  }

  /** Answers the questions in batches. Returns the answers or the error of each question. */
  async #answersOf(
    { states, mask }: MaskedEncoderStates,
    answerIds: readonly (readonly number[])[] | undefined,
    options: AskOptions,
  ): Promise<(Answers | BlipError)[]> {
    const [total] = atLeast(states.dims, 1);
    const { answers: step } = this.model.loaded.limits;
    const broken = this.#brokenIn("question", states);
    const answers: (Answers | BlipError)[] = [];
    for (let from = 0; from < total; from += step) {
      const to = Math.min(total, from + step);
      const questionStates = { states: rowsOf(states, from, to), mask: rowsOf(mask, from, to) };
      answers.push(...(await this.#answers(questionStates, answerIds, options)));
    }
    return answers.map((own, question) => must(broken, question) ?? own);
  }

  #answers(
    questionStates: MaskedEncoderStates,
    answerIds: readonly (readonly number[])[] | undefined,
    options: AskOptions,
  ): Promise<(Answers | BlipError)[]> {
    return answerIds
      ? this.#ranked(questionStates, options.answers ?? [], answerIds, options)
      : this.#generated(questionStates, options);
  }

  /** Returns the rows of each image in the order of the questions, or the image's error. */
  async #rows(
    pixels: Tensor<"float32">,
    parts: readonly QuestionPart[],
    options: AskOptions,
    answerIds: readonly (readonly number[])[] | undefined,
  ): Promise<(Asked[] | BlipError)[]> {
    const { signal } = options;
    const images = await this.model.images.states(pixels, { signal });
    const rows: { readonly question: string; readonly outcome: Answers | BlipError }[][] = [];
    for (const { questions, encoded } of parts) {
      // Encode all questions of the part for all images at once, then produce the answers in batches.
      const all = await this.model.questionStates(images, repeat(encoded, must(images.dims, 0)), { signal });
      const outcomes = await this.#answersOf(all, answerIds, options);
      outcomes.forEach((outcome, index) => {
        const question = must(questions, index % questions.length);
        const own = (rows[Math.floor(index / questions.length)] ??= []);
        own.push({ question, outcome });
      });
    }
    return this.#brokenIn("image", images).map((broken, index) => {
      const own = must(rows, index);
      const failure = allFailed(own.map((entry) => entry.outcome));
      if (broken) return broken;
      if (failure) return failure;
      return own.flatMap(({ question, outcome }): Asked[] =>
        outcome instanceof BlipError
          ? [{ question, error: rowError(outcome) }]
          : outcome.map((answer) => ({ question, ...answer })),
      );
    });
  }

  async #generated(
    questionStates: MaskedEncoderStates,
    options: AskOptions,
  ): Promise<(Answers | BlipError)[]> {
    const found = await this.model.answerEach(questionStates, options);
    return found.map((hypotheses) =>
      hypotheses instanceof BlipError
        ? hypotheses
        : hypotheses.map((hypothesis) => ({
            answer: this.processors.texts.decode(hypothesis.tokens),
            tokens: hypothesis.tokens,
            score: sumOf(hypothesis),
          })),
    );
  }

  async #ranked(
    questionStates: MaskedEncoderStates,
    answers: readonly string[],
    ids: readonly (readonly number[])[],
    { k, signal }: AskOptions,
  ): Promise<(Answers | BlipError)[]> {
    const found = await this.model.rankEach(questionStates, ids, { k, signal });
    return found.map((ranked) => {
      if (ranked instanceof BlipError) return ranked;
      const [best] = ranked;
      return best ? [{ answer: must(answers, best.index), tokens: best.tokens, score: best.score }] : [];
    });
  }
}
