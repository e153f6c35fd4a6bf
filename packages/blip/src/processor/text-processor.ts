// Texts as a model reads them, under each reference's conventions.
import type { Compat } from "../platform.ts";
import { preCaption, preQuestion } from "../text/pre-caption.ts";
import type { BertTokenizer, EncodedTexts } from "../text/word-piece.ts";
import type { ProcessorCallOptions } from "./options.ts";

/** BLIP reads 30 words of a caption, and 35 tokens (configs/retrieval_*.yaml, models/blip_retrieval.py). */
const captionWords = 30;

const captionTokens = 35;

/** 50 words of a question and 35 tokens (data/vqa_dataset.py, models/blip_vqa.py); 40 words of NLVR2's statements, whole. */
const questionWords = 50;

const questionTokens = 35;

const statementWords = 40;

/** How BLIP cuts the texts of a task; undefined where texts are read as they are. */
export function textLimits(task: string, compat: Compat) {
  if (compat === "hf") return undefined;
  if (task === "ask") return { words: questionWords, tokens: questionTokens, cleanUp: "pre_question" };
  if (task === "compare") return { words: statementWords, tokens: undefined, cleanUp: "pre_caption" };
  return { words: captionWords, tokens: captionTokens, cleanUp: "pre_caption" };
}

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
    return clean ? preCaption(text, captionWords) : text;
  }

  /** @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encode(texts: readonly string[], options: ProcessorCallOptions = {}): EncodedTexts {
    const cut = this.#blip ? { truncation: true, maxLength: captionTokens } : {};
    const plain = texts.map((text) => this.clean(text, options.preCaption));
    return this.tokenizer.encode(plain, this.#positions, { ...cut, ...options });
  }

  /** Questions about a picture. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeQuestions(questions: readonly string[]): EncodedTexts {
    if (!this.#blip) return this.tokenizer.encode(questions, this.#positions);
    const plain = questions.map((question) => preQuestion(question, questionWords));
    return this.tokenizer.encode(plain, this.#positions, { truncation: true, maxLength: questionTokens });
  }

  /** Statements about two pictures. @throws {UsageError} `text/empty` @throws {InputError} `text/too-long` */
  encodeStatements(statements: readonly string[]): EncodedTexts {
    const plain = this.#blip ? statements.map((text) => preCaption(text, statementWords)) : statements;
    return this.tokenizer.encode(plain, this.#positions);
  }

  /** Answers as a decoder is to say them, each for itself: [CLS] ... [SEP]. @throws {UsageError} `text/empty` */
  answerIds(answers: readonly string[]): number[][] {
    const { inputIds, attentionMask } = this.tokenizer.encode(answers, this.#positions);
    const [, length = 0] = inputIds.dims;
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
