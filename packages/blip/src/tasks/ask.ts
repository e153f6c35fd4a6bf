// The verb `ask`: answers to questions about pictures, said freely or chosen from a list (models/blip_vqa.py).
import { UsageError } from "../errors.ts";
import type { GenerationOptions } from "../decode/options.ts";
import type { Platform } from "../platform.ts";
import { sumOf } from "./generator.ts";
import { loadNetwork } from "./load-network.ts";
import {
  chunks,
  inOrder,
  processorsOf,
  readBatches,
  repeat,
  verbOptions,
  type FailedRow,
  type PictureModel,
  type VerbCallOptions,
  type VerbOptions,
} from "./picture-model.ts";
import { checkRanking, QuestionAnswering } from "./question-answering.ts";
import type { MaskedMemory } from "./generator.ts";

/** An answer to a question about a picture. */
export interface AnswerRow<ImageInput> {
  readonly image: ImageInput;
  readonly question: string;
  readonly answer: string;
  /** The whole decoder sequence: [DEC], the answer, [SEP] where it was reached. */
  readonly tokens: readonly number[];
  /** Natural-log probability of the answer's tokens together; with a list minus their summed smoothed loss. */
  readonly score: number;
}

export interface AskOptions extends GenerationOptions, VerbCallOptions {
  /** Answers to choose from, ranked as BLIP ranks; without it the answer is generated, as the other options say. */
  readonly answers?: readonly string[] | undefined;
  /** How many of the list are ranked in full, the likeliest by their first token: 128; a shorter list is ranked whole. */
  readonly k?: number | undefined;
}

/** Questions for each picture at a time. */
const questionBatch = 16;

type Scored = Omit<AnswerRow<never>, "image">;

/** A question-answering model with what turns pictures and questions into its inputs and tokens into text. */
export class Answerer<ImageInput> implements AsyncDisposable {
  readonly model: QuestionAnswering;
  readonly #processors: PictureModel<ImageInput>;

  private constructor(model: QuestionAnswering, processors: PictureModel<ImageInput>) {
    this.model = model;
    this.#processors = processors;
  }

  /** @throws {ModelError} where the model cannot be found, read, or used for questions */
  static async load<ImageInput>(
    platform: Platform<ImageInput>,
    source: string,
    options: VerbOptions = {},
  ): Promise<Answerer<ImageInput>> {
    const given = verbOptions(options);
    const loaded = await loadNetwork(platform, source, ["ask"], given);
    return new Answerer(await QuestionAnswering.over(loaded), await processorsOf(platform, loaded, given));
  }

  /**
   * Every question about every picture, pictures in their order, questions inside. A picture that cannot be read gives
   * one row with its error.
   * @throws {UsageError} `usage/no-images`, `usage/no-questions`, `usage/no-answers`, `usage/bad-option`, `text/empty`,
   * `generate/...`
   * @throws {InputError} `text/too-long`
   */
  async *ask<Input extends ImageInput>(
    images: readonly Input[],
    questions: readonly string[],
    options: AskOptions = {},
  ): AsyncGenerator<AnswerRow<Input> | FailedRow<Input>, void, undefined> {
    const { signal, answers } = options;
    const { texts } = this.#processors;
    if (questions.length === 0)
      throw new UsageError("usage/no-questions", "there is no question: give at least one");
    const batches = chunks(questions, questionBatch).map((part) => ({
      part,
      encoded: texts.encodeQuestions(part),
    }));
    if (answers) checkRanking(answers, options.k);
    const answerIds = answers && texts.answerIds(answers);
    // What is wrong with the call is found before any picture is read.
    this.model.generator.options([[this.model.loaded.tokens.dec]], options);
    this.model.prepare();
    for await (const batch of readBatches(images, this.#processors.images, options)) {
      const rows: Scored[][] = batch.images.map(() => []);
      if (batch.pixels) {
        const states = await this.model.encoder.imageStates(batch.pixels, { signal });
        const [count = 0] = states.dims;
        for (const { part, encoded } of batches) {
          const memory = await this.model.questionStates(states, repeat(encoded, count), { signal });
          const found = answerIds
            ? await this.#ranked(memory, answers, answerIds, options)
            : await this.#generated(memory, options);
          found.forEach((some, index) => {
            const question = part[index % part.length] ?? "";
            for (const one of some) rows[Math.floor(index / part.length)]?.push({ question, ...one });
          });
        }
      }
      yield* inOrder(batch, (place) => rows[place] ?? []);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.model[Symbol.asyncDispose]();
  }

  async #generated(memory: MaskedMemory, options: AskOptions): Promise<Omit<Scored, "question">[][]> {
    const found = await this.model.answer(memory, options);
    return found.map((hypotheses) =>
      hypotheses.map((hypothesis) => ({
        answer: this.#processors.texts.decode(hypothesis.tokens),
        tokens: hypothesis.tokens,
        score: sumOf(hypothesis),
      })),
    );
  }

  async #ranked(
    memory: MaskedMemory,
    answers: readonly string[],
    ids: readonly (readonly number[])[],
    { k, signal }: AskOptions,
  ): Promise<Omit<Scored, "question">[][]> {
    const found = await this.model.rank(memory, ids, { k, signal });
    return found.map(([best]) =>
      best ? [{ answer: answers[best.index] ?? "", tokens: best.tokens, score: best.score }] : [],
    );
  }
}
