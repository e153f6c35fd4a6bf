// BERT's WordPiece tokenizer (rules of bert-base-uncased: lower case, accents stripped, Chinese characters separated),
// implemented with @huggingface/tokenizers, from tokenizer.json or from the lines of vocab.txt.
import { optionNames } from "@blip-ts/base";
import type { Tensor } from "@blip-ts/graph";
import { Tokenizer } from "@huggingface/tokenizers";
import type { Warning } from "@blip-ts/base";
import { asBertReads, uncased, type BertRules } from "./as-bert-reads.ts";
import { badTokenizer, emptyText, missingToken, overTokenizerLimit, tooLong } from "./errors.ts";
import { readTokenizerConfig, rulesWarning } from "./tokenizer-config.ts";
import { maxTokenLength, maxVocabulary, normalizerOf, readTokenizerFile } from "./tokenizer-file.ts";

/** Options to truncate and pad texts. */
export interface EncodeOptions {
  /** Pads to the longest text of the call (`longest`, the default), or to exactly `maxLength` tokens (`max_length`). */
  readonly padding?: "longest" | "max_length";
  /** Truncates texts to `maxLength` tokens, including [CLS] and [SEP]. By default, longer texts are rejected. */
  readonly truncation?: boolean;
  /**
   * The limit for truncation and padding, in tokens. Default: `model_max_length` of tokenizer_config.json, but at most
   * the length of the model's position table.
   */
  readonly maxLength?: number;
}

export const encodeOptionNames = optionNames<EncodeOptions>()({
  padding: true,
  truncation: true,
  maxLength: true,
});

/** The ids of texts, padded to equal length. */
export interface EncodedTexts {
  /** [B, T] */
  readonly inputIds: Tensor<"int64">;
  /** [B, T], 1 for tokens, 0 for padding. */
  readonly attentionMask: Tensor<"int64">;
}

/** BLIP's own tokens. Vocabularies that contain these tokens do not always mark them as special. */
const decoderTokens: ReadonlySet<string> = new Set(["[DEC]", "[ENC]"]);

const specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] as const;

/** Creates the tokenizer.json of a BERT tokenizer with this vocabulary. */
function tokenizerJson(
  vocabulary: ReadonlyMap<string, number>,
  cls: number,
  sep: number,
  rules: BertRules,
): object {
  const special = (content: string) => ({
    id: vocabulary.get(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: specials.filter((token) => vocabulary.has(token)).map(special),
    normalizer: normalizerOf(rules),
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [cls], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [sep], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary),
    },
  };
}

/** The settings of a tokenizer, apart from its vocabulary. */
interface Known {
  readonly rules: BertRules;
  readonly specials: readonly string[];
  readonly maxLength: number | undefined;
  readonly warnings?: readonly Warning[];
}

/** Converts texts to token ids and back. */
export class BertTokenizer {
  readonly #tokenizer: Tokenizer;
  /** The normalization rules. */
  readonly rules: BertRules;
  /** Special tokens in addition to BERT's. */
  readonly specials: readonly string[];
  /** The default number of tokens to which texts are truncated; undefined if there is no limit. */
  readonly maxLength: number | undefined;
  /** Warnings about the tokenizer's files. */
  readonly warnings: readonly Warning[];
  /** Ids by token. */
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly padId: number;
  readonly clsId: number;
  readonly sepId: number;

  private constructor(
    tokenizer: Tokenizer,
    vocabulary: ReadonlyMap<string, number>,
    name: string,
    { rules, specials, maxLength, warnings = [] }: Known,
  ) {
    this.#tokenizer = tokenizer;
    this.rules = rules;
    this.specials = specials;
    this.maxLength = maxLength;
    this.warnings = warnings;
    this.vocabulary = vocabulary;
    const idOf = (token: string) => {
      const id = this.vocabulary.get(token);
      if (id === undefined) throw missingToken(name, token);
      return id;
    };
    this.padId = idOf("[PAD]");
    this.clsId = idOf("[CLS]");
    this.sepId = idOf("[SEP]");
    idOf("[UNK]");
  }

  /**
   * Creates a tokenizer from the text of a vocab.txt: one token per line, whose id is the line number from 0.
   * @param config the parsed tokenizer_config.json, if there is one
   * @throws {ModelError} `text/bad-tokenizer`, `tokenizer/bad-config`
   */
  static fromVocabulary(
    text: string,
    name = "vocab.txt",
    config?: unknown,
    configName = "tokenizer_config.json",
  ): BertTokenizer {
    const lines = text.split(/\r?\n/);
    if (lines.at(-1) === "") lines.pop();
    if (lines.length > maxVocabulary)
      throw badTokenizer(name, `expected at most ${maxVocabulary} lines, got ${lines.length}`);
    const vocabulary = new Map<string, number>();
    lines.forEach((token, id) => {
      if (token.length > maxTokenLength)
        throw overTokenizerLimit(name, `line ${id + 1}, in characters`, token.length, maxTokenLength);
      if (vocabulary.has(token))
        throw badTokenizer(name, `line ${id + 1}: expected a new token, got "${token.slice(0, 60)}" again`);
      vocabulary.set(token, id);
    });
    const [cls, sep] = [vocabulary.get("[CLS]"), vocabulary.get("[SEP]")];
    if (cls === undefined || sep === undefined)
      throw missingToken(name, cls === undefined ? "[CLS]" : "[SEP]");
    const { rules = uncased, ...settings } = readTokenizerConfig(config, configName);
    const tokenizer = new Tokenizer(tokenizerJson(vocabulary, cls, sep, rules), {});
    return new BertTokenizer(tokenizer, vocabulary, name, { ...settings, rules });
  }

  /**
   * Creates a tokenizer from the parsed tokenizer.json and, if there is one, tokenizer_config.json.
   * @param rows the rows of the model's word table, the upper bound of ids
   * @throws {ModelError} `text/bad-tokenizer` if the file is not a tokenizer, `tokenizer/unsupported-component` if a
   * component is not BERT's, `tokenizer/bad-id`, `tokenizer/limit`, `tokenizer/bad-config`
   */
  static fromJson(
    json: unknown,
    config?: unknown,
    name = "tokenizer.json",
    rows?: number,
    configName = "tokenizer_config.json",
  ): BertTokenizer {
    const file = readTokenizerFile(json, name, rows);
    const { rules = file.rules, ...settings } = readTokenizerConfig(config, configName);
    const warning = rulesWarning(name, file.rules, rules);
    const known = rules === file.rules ? file.json : { ...file.json, normalizer: normalizerOf(rules) };
    const tokenizer = new Tokenizer(known, { additional_special_tokens: [...settings.specials] });
    return new BertTokenizer(tokenizer, file.vocabulary, name, {
      ...settings,
      rules,
      warnings: warning ? [warning] : [],
    });
  }

  /** Converts the vocabulary to the lines of a vocab.txt. */
  toVocabulary(): string {
    const lines: string[] = [];
    for (const [token, id] of this.vocabulary) lines[id] = token;
    return `${Array.from(lines, (token, id) => token || `[unused-${id}]`).join("\n")}\n`;
  }

  /** Creates a tokenizer.json with this vocabulary and these rules. */
  toJson(): object {
    return tokenizerJson(this.vocabulary, this.clsId, this.sepId, this.rules);
  }

  /** Returns the tokens of a text without [CLS] and [SEP]. `##` marks tokens that continue a word. */
  pieces(text: string): readonly string[] {
    return this.piecesOf(this.ids(text));
  }

  /** Converts ids to tokens, without [CLS], [SEP] and [PAD]. */
  piecesOf(ids: readonly number[]): readonly string[] {
    return ids
      .filter((id) => id !== this.clsId && id !== this.sepId && id !== this.padId)
      .map((id) => this.#tokenizer.id_to_token(id) ?? "");
  }

  /** Converts a text to ids, from [CLS] to [SEP]. */
  ids(text: string): number[] {
    return this.#tokenizer.encode(asBertReads(text, this.rules)).ids;
  }

  /**
   * Encodes texts as a batch, padded on the right.
   * @param positions the length of the model's position table
   * @param first the number of texts of the caller's list before these, for errors
   * @throws {UsageError} `text/empty`
   * @throws {InputError} `text/too-long` if a text is too long and `truncation` is not set
   */
  encode(texts: readonly string[], positions: number, options: EncodeOptions = {}, first = 0): EncodedTexts {
    const { truncation, padding } = options;
    const own = truncation === true || padding === "max_length" ? this.maxLength : undefined;
    const limit = Math.min(options.maxLength ?? own ?? positions, positions);
    const rows = texts.map((text, index) => {
      const ids = this.ids(text);
      // Reject a text with only [CLS] and [SEP]. It may still contain ignored characters, such as U+200B.
      if (ids.length <= 2) throw emptyText(first + index);
      if (ids.length <= limit) return ids;
      if (truncation !== true) throw tooLong(text, ids.length, limit);
      return [...ids.slice(0, limit - 1), this.sepId];
    });
    const length = padding === "max_length" ? limit : Math.max(...rows.map((ids) => ids.length));
    const [inputIds, attentionMask] = [
      new BigInt64Array(rows.length * length),
      new BigInt64Array(rows.length * length),
    ];
    inputIds.fill(BigInt(this.padId));
    rows.forEach((ids, row) => {
      ids.forEach((id, column) => {
        inputIds[row * length + column] = BigInt(id);
        attentionMask[row * length + column] = 1n;
      });
    });
    const dims = [rows.length, length];
    return {
      inputIds: { dtype: "int64", dims, data: inputIds },
      attentionMask: { dtype: "int64", dims, data: attentionMask },
    };
  }

  /**
   * Decodes ids, without special tokens and without ids that the vocabulary lacks ([DEC] and [ENC] in most).
   * @param options `cleanUp`: joins parts that the tokenizer separated, "it ' s" to "it's" (the default of transformers
   * 4, but not of 5)
   */
  decode(ids: readonly (number | bigint)[], { cleanUp = true }: { readonly cleanUp?: boolean } = {}): string {
    const known = ids.map(Number).filter((id) => {
      const token = this.#tokenizer.id_to_token(id);
      return token !== undefined && !decoderTokens.has(token);
    });
    if (known.length === 0) return "";
    return this.#tokenizer.decode(known, {
      skip_special_tokens: true,
      clean_up_tokenization_spaces: cleanUp,
    });
  }
}
