// Prepares texts for a model, with the conventions of each reference implementation.
import { atLeast, badOption, must, expectOptions, type Warning } from "@blip-ts/base";
import { specOf } from "../tasks/index.ts";
import type { ModeLimits, NetworkTask } from "../tasks/task.ts";
import type { Compat } from "../platform.ts";
import { overTextLength } from "../text/errors.ts";
import { expectTexts } from "../text/expect-texts.ts";
import { UnknownWords } from "../text/unknown-words.ts";
import { preCaption, preQuestion } from "../text/pre-caption.ts";
import { type BertTokenizer, type EncodedTexts, type EncodeOptions } from "../text/word-piece.ts";
import { type ProcessorCallOptions, processorCallOptionNames } from "./options.ts";

/**
 * Whether a convention cleans texts before the tokenizer. BLIP's scripts clean texts in their data sets; transformers
 * and the demo do not.
 */
export const cleansTexts = (compat: Compat): boolean => compat === "blip" || compat === "lavis";

/**
 * Returns the limits to which a convention truncates a task's texts; undefined if it does not truncate. BLIP's feature
 * extractor (models/blip.py `BLIP_Base`) does not truncate; LAVIS first cleans the texts. The demo's classes truncate
 * texts and questions only in the tokenizer (models/blip_itm.py, models/blip_vqa.py).
 */
export function textLimitsOf(task: NetworkTask, compat: Compat): ModeLimits | undefined {
  if (compat === "hf" || (compat !== "lavis" && task === "embed")) return undefined;
  const limits = specOf(task).text;
  if (compat !== "demo") return limits;
  return limits.tokens === undefined ? undefined : { ...limits, words: undefined, cleanUp: undefined };
}

/** Limits of captions, questions and statements. */
const limits = {
  captions: specOf("match").text,
  questions: specOf("ask").text,
  statements: specOf("compare").text,
};

const cut = ({ tokens }: ModeLimits) => (tokens === undefined ? {} : { truncation: true, maxLength: tokens });

/**
 * The default limit of a text's characters (UTF-16 code units). BLIP reads at most about 500 tokens per text. A text of
 * this length blocks the event loop for about 10 ms.
 */
export const defaultMaxTextLength = 10_000;

/** @throws {UsageError} `usage/bad-option` */
export function checkMaxTextLength(length: number | undefined): void {
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 1))
    throw badOption("maxTextLength", length, ["a whole number of at least 1"]);
}

/** Converts texts to ids, and ids to texts, with the conventions of a reference implementation. */
export class TextProcessor {
  readonly tokenizer: BertTokenizer;
  readonly #positions: number;
  readonly #cleans: boolean;
  readonly #compat: Compat;
  readonly #unknown: UnknownWords | undefined;
  /** Receives warnings about texts. */
  readonly onWarning: ((warning: Warning) => void) | undefined;
  /** The most characters of a text. */
  readonly maxLength: number;

  /**
   * @param positions the length of the model's position table @param maxLength the most characters of a text
   * @param onWarning receives `text/unknown-words`; if omitted, there are no warnings
   * @throws {UsageError} `usage/bad-option`
   */
  constructor(
    tokenizer: BertTokenizer,
    positions: number,
    compat: Compat,
    maxLength?: number,
    onWarning?: (warning: Warning) => void,
  ) {
    checkMaxTextLength(maxLength);
    this.maxLength = maxLength ?? defaultMaxTextLength;
    this.tokenizer = tokenizer;
    this.#positions = positions;
    this.#cleans = cleansTexts(compat);
    this.#compat = compat;
    this.onWarning = onWarning;
    this.#unknown = onWarning && new UnknownWords(tokenizer, onWarning);
  }

  /**
   * Cleans a text under `blip` and `lavis`; the result may be empty. Returns it unchanged under `hf` and `demo`.
   */
  clean(text: string, clean = this.#cleans): string {
    return clean ? preCaption(text, limits.captions.words) : text;
  }

  /** Whether `encode` can read a text: it has at most `maxLength` characters, and cleaning leaves a token of it. */
  isLegible(text: string): boolean {
    // Beside the text's own tokens there are [CLS] and [SEP].
    return text.length <= this.maxLength && this.tokenizer.ids(this.clean(text)).length > 2;
  }

  /** Encodes texts. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encode(texts: readonly string[], options: ProcessorCallOptions = {}): EncodedTexts {
    expectOptions("encode", options, processorCallOptionNames);
    return this.#looked(texts, this.encodeQuietly(texts, options));
  }

  /**
   * Encodes texts without warnings, for texts that the caller did not write, such as a model's own captions.
   * @throws {UsageError} `text/empty` @throws {InputError} `text/too-long`
   */
  encodeQuietly(texts: readonly string[], options: ProcessorCallOptions = {}): EncodedTexts {
    this.#expectLengths(texts);
    const plain = texts.map((text) => this.clean(text, options.preCaption));
    return this.tokenizer.encode(plain, this.#positions, {
      ...(this.#compat === "hf" ? {} : cut(limits.captions)),
      ...options,
    });
  }

  /** Encodes texts for features. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeFeatureTexts(texts: readonly string[]): EncodedTexts {
    if (textLimitsOf("embed", this.#compat)) return this.encode(texts);
    this.#expectLengths(texts);
    return this.#encode(texts);
  }

  /**
   * Encodes questions about an image. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long`
   * @param first the number of questions of the caller's list before these, for errors
   */
  encodeQuestions(questions: readonly string[], first = 0): EncodedTexts {
    this.#expectLengths(questions, first);
    if (this.#compat === "hf") return this.#encode(questions, undefined, first);
    const plain = this.#cleans
      ? questions.map((question) => preQuestion(question, limits.questions.words))
      : questions;
    return this.#encode(plain, cut(limits.questions), first);
  }

  /** Encodes statements about two images. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeStatements(statements: readonly string[]): EncodedTexts {
    this.#expectLengths(statements);
    const plain = this.#cleans
      ? statements.map((text) => preCaption(text, limits.statements.words))
      : statements;
    return this.#encode(plain);
  }

  /** Encodes answers as ids for a decoder: [CLS] ... [SEP]. @throws {UsageError} `text/empty` */
  answerIds(answers: readonly string[]): number[][] {
    this.#expectLengths(answers);
    const { inputIds, attentionMask } = this.#encode(answers);
    const [, length] = atLeast(inputIds.dims, 2);
    return answers.map((_, row) =>
      Array.from(inputIds.data.subarray(row * length, (row + 1) * length), Number).filter(
        (_id, column) => attentionMask.data[row * length + column] === 1n,
      ),
    );
  }

  /** Encodes texts. Warns if the vocabulary lacks too many of their words. */
  #encode(texts: readonly string[], options?: EncodeOptions, first?: number): EncodedTexts {
    return this.#looked(texts, this.tokenizer.encode(texts, this.#positions, options, first));
  }

  #looked(texts: readonly string[], encoded: EncodedTexts): EncodedTexts {
    const { data, dims } = encoded.inputIds;
    const [, length] = atLeast(dims, 2);
    this.#unknown?.look(texts, (row) =>
      this.tokenizer.piecesOf(Array.from(data.subarray(row * length, (row + 1) * length), Number)),
    );
    return encoded;
  }

  /** @throws {UsageError} `text/not-a-text`, `usage/bad-option` @throws {InputError} `text/too-long` */
  #expectLengths(texts: readonly string[], first = 0): void {
    expectTexts(texts);
    const position = texts.findIndex(({ length }) => length > this.maxLength);
    if (position >= 0) throw overTextLength(first + position, must(texts, position).length, this.maxLength);
  }

  /** Decodes a decoder's tokens, without special tokens. Joins spaces as in "it ' s", except under `hf`. */
  decode(tokens: readonly number[]): string {
    return this.tokenizer.decode(tokens, { cleanUp: this.#compat !== "hf" });
  }
}
