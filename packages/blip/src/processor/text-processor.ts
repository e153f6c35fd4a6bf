// Texts as a model reads them, under each reference's conventions.
import { atLeast } from "@blip-ts/base";
import { specOf } from "../tasks/index.ts";
import type { NetworkTask, TextLimits } from "../tasks/task.ts";
import type { Compat } from "../platform.ts";
import { preCaption, preQuestion } from "../text/pre-caption.ts";
import type { BertTokenizer, EncodedTexts } from "../text/word-piece.ts";
import type { ProcessorCallOptions } from "./options.ts";

/** How BLIP cuts the texts of a task; undefined if texts are read as they are. */
export const textLimitsOf = (task: NetworkTask, compat: Compat): TextLimits | undefined =>
  compat === "hf" ? undefined : specOf(task).text;

/** Captions, questions and statements have limits of their own. */
const limits = {
  captions: specOf("match").text,
  questions: specOf("ask").text,
  statements: specOf("compare").text,
};

const cut = ({ tokens }: TextLimits) => (tokens === undefined ? {} : { truncation: true, maxLength: tokens });

/** Texts to ids by the conventions of a mode. */
export class TextProcessor {
  readonly tokenizer: BertTokenizer;
  readonly #positions: number;
  readonly #blip: boolean;

  /** @param positions the length of the model's position table */
  constructor(tokenizer: BertTokenizer, positions: number, compat: Compat) {
    this.tokenizer = tokenizer;
    this.#positions = positions;
    this.#blip = compat !== "hf";
  }

  /** A text as it is read: cleaned up under `blip` and `lavis`, which may leave nothing of it; as it is under `hf`. */
  clean(text: string, clean = this.#blip): string {
    return clean ? preCaption(text, limits.captions.words) : text;
  }

  /** @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encode(texts: readonly string[], options: ProcessorCallOptions = {}): EncodedTexts {
    const plain = texts.map((text) => this.clean(text, options.preCaption));
    return this.tokenizer.encode(plain, this.#positions, {
      ...(this.#blip ? cut(limits.captions) : {}),
      ...options,
    });
  }

  /** Questions about a picture. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeQuestions(questions: readonly string[]): EncodedTexts {
    if (!this.#blip) return this.tokenizer.encode(questions, this.#positions);
    const plain = questions.map((question) => preQuestion(question, limits.questions.words));
    return this.tokenizer.encode(plain, this.#positions, cut(limits.questions));
  }

  /** Statements about two pictures. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeStatements(statements: readonly string[]): EncodedTexts {
    const plain = this.#blip
      ? statements.map((text) => preCaption(text, limits.statements.words))
      : statements;
    return this.tokenizer.encode(plain, this.#positions);
  }

  /** Answers as a decoder is to say them, each for itself: [CLS] ... [SEP]. @throws {UsageError} `text/empty` */
  answerIds(answers: readonly string[]): number[][] {
    const { inputIds, attentionMask } = this.tokenizer.encode(answers, this.#positions);
    const [, length] = atLeast(inputIds.dims, 2);
    return answers.map((_, row) =>
      Array.from(inputIds.data.subarray(row * length, (row + 1) * length), Number).filter(
        (_id, column) => attentionMask.data[row * length + column] === 1n,
      ),
    );
  }

  /** What a decoder said, without special tokens. transformers 5 leaves "it ' s" as it is. */
  decode(tokens: readonly number[]): string {
    return this.tokenizer.decode(tokens, { cleanUp: this.#blip });
  }
}
