// Validates a tokenizer.json. The file is untrusted. Only the components of BERT's tokenizer are allowed (tokenizers'
// BertNormalizer, BertPreTokenizer, WordPiece, TemplateProcessing or BertProcessing, the WordPiece decoder;
// transformers 4.26 to 5.x saves no others for BLIP). Each component is converted to plain values, and the rest of the
// file is ignored. So no regular expression from a file is compiled, and no id sets the size of an allocation.
import { schema } from "@blip-ts/base";
import type { BertRules } from "./as-bert-reads.ts";
import { badId, badTokenizer, overTokenizerLimit, unsupportedComponent } from "./errors.ts";

/**
 * The most tokens of a vocabulary. Building a tokenizer of this size takes half a second. BERT's largest vocabulary has
 * 119,547 tokens.
 */
export const maxVocabulary = 200_000;
/**
 * The most added tokens, and the most characters of all added tokens: each character is a node of a tree. BLIP's files
 * have 5 to 7 added tokens.
 */
const maxAdded = 10_000;
const maxAddedCharacters = 100_000;
/** The most characters of a token. BERT's longest token has 18 characters. */
export const maxTokenLength = 512;
/** The longest word that is split into pieces, which takes quadratic time. BERT's limit is 100. */
const maxWordLength = 200;
const maxPrefixLength = 16;

const { maybe, flag, text, whole, anything, fields, component, listOf } = schema;

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const wordPiece = {
  unk_token: maybe(text(maxTokenLength)),
  continuing_subword_prefix: maybe(text(maxPrefixLength)),
  max_input_chars_per_word: maybe(whole(1, maxWordLength)),
  // `Ids` checks the ids against the word table, so that 30,000 ids are not checked twice.
  vocab: schema.passed<Json>(isRecord, "an object of ids by token"),
};

/** Whether a model is WordPiece without a type, as in files of 2019. Only WordPiece has this prefix. */
const isOfOldModel = (model: unknown): boolean =>
  isRecord(model) &&
  (model.type === undefined || model.type === null) &&
  typeof model.continuing_subword_prefix === "string";

const addedToken = fields(
  {
    id: anything(),
    content: schema.only(text(maxTokenLength), (content) => content !== "", "a text, and not an empty one"),
    single_word: maybe(flag()),
    lstrip: maybe(flag()),
    rstrip: maybe(flag()),
    normalized: maybe(flag()),
    special: maybe(flag()),
  },
  "an object",
);

const frame = { id: text(maxTokenLength) };
/** The pieces of [CLS] A [SEP]. */
const pieceSchema = fields({
  SpecialToken: maybe(fields(frame, "an object")),
  Sequence: maybe(fields(frame, "an object")),
});

/** The schema of tokenizer.json, without its ids. */
const fileSchema = (model: unknown) =>
  fields({
    model: isOfOldModel(model) ? fields(wordPiece) : component(["WordPiece"], wordPiece),
    added_tokens: maybe(listOf(addedToken, maxAdded)),
    normalizer: component(["BertNormalizer"], {
      clean_text: maybe(flag()),
      handle_chinese_chars: maybe(flag()),
      strip_accents: maybe(flag()),
      lowercase: maybe(flag()),
    }),
    pre_tokenizer: component(["BertPreTokenizer"], {}),
    post_processor: component(["TemplateProcessing", "BertProcessing"], {
      single: anything(),
      special_tokens: anything(),
      cls: anything(),
      sep: anything(),
    }),
    decoder: maybe(
      component(["WordPiece"], { prefix: maybe(text(maxPrefixLength)), cleanup: maybe(flag()) }),
    ),
  });

type TokenizerJson = schema.Output<ReturnType<typeof fileSchema>>;

/** A valid tokenizer.json. */
export interface TokenizerFile {
  /** Ids by token, including added tokens, in the order of ids. Some ids in between may be unused. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** The JSON for the tokenizer library. */
  readonly json: object;
  /** The rules of the file's normalizer. */
  readonly rules: BertRules;
}

/** The ids of tokens. Checks each id against the word table and against earlier ids. */
class Ids {
  readonly #name: string;
  /** Tokens by id, allocated at full length. (In an object, integer-like tokens come first, whatever their ids.) */
  readonly #byId: (string | undefined)[];
  #vocab: Json = {};
  readonly #added = new Map<string, number>();

  /** @param rows the rows of the model's word table */
  constructor(name: string, rows: number) {
    this.#name = name;
    this.#byId = new Array<string | undefined>(Math.min(rows, maxVocabulary));
  }

  /** @throws {ModelError} `tokenizer/bad-id`, `tokenizer/limit` */
  readVocabulary(vocab: Json): void {
    const field = "model.vocab";
    const tokens = Object.keys(vocab);
    if (tokens.length > maxVocabulary)
      throw overTokenizerLimit(this.#name, `the number of tokens of ${field}`, tokens.length, maxVocabulary);
    for (const token of tokens)
      this.#take(() => `${field}, the token "${token.slice(0, 60)}"`, token, vocab[token]);
    this.#vocab = vocab;
  }

  /** Returns the id of a token that has been read. */
  of(token: string): unknown {
    return this.#added.get(token) ?? (Object.hasOwn(this.#vocab, token) ? this.#vocab[token] : undefined);
  }

  /** Reads an added token. If it is also in the vocabulary, it must have the same id there. */
  takeAdded(field: string, token: string, id: unknown): number {
    const known = this.of(token) ?? id;
    if (known !== id)
      throw badId(
        this.#name,
        field,
        `the id ${schema.shownValue(known)} that it has elsewhere in the file`,
        schema.shownValue(id),
      );
    const taken = this.#take(() => field, token, id);
    this.#added.set(token, taken);
    return taken;
  }

  /** Checks that a special token has the same id as in the vocabulary. */
  expectSpecial(field: string, token: string, pair: unknown): void {
    const [content, id] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : [];
    const known = this.of(token);
    if (content !== token || known === undefined || id !== known)
      throw badId(
        this.#name,
        field,
        `${token} with its id ${typeof known === "number" ? known : "in the vocabulary"}`,
        `${schema.shownValue(content)}, ${schema.shownValue(id)}`,
      );
  }

  get vocabulary(): ReadonlyMap<string, number> {
    const vocabulary = new Map<string, number>();
    this.#byId.forEach((token, id) => token !== undefined && vocabulary.set(token, id));
    return vocabulary;
  }

  /** @throws {ModelError} `tokenizer/bad-id` for an id that is not valid, or that another token has */
  #take(field: () => string, token: string, id: unknown): number {
    const { length } = this.#byId;
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0 || id >= length)
      throw badId(
        this.#name,
        field(),
        `a whole number from 0 to below the model's ${length} rows`,
        schema.shownValue(id),
      );
    if (token.length > maxTokenLength)
      throw overTokenizerLimit(this.#name, `${field()}, in characters`, token.length, maxTokenLength);
    const before = this.#byId[id];
    if (before !== undefined && before !== token)
      throw badId(
        this.#name,
        field(),
        "an id of its own",
        `${id}, which is that of "${before.slice(0, 60)}"`,
      );
    this.#byId[id] = token;
    return id;
  }
}

function addedTokens(name: string, list: TokenizerJson["added_tokens"], ids: Ids): object[] {
  const tokens = list ?? [];
  const characters = tokens.reduce((sum, { content }) => sum + content.length, 0);
  if (characters > maxAddedCharacters)
    throw overTokenizerLimit(name, "added_tokens, in characters", characters, maxAddedCharacters);
  return tokens.map(({ id, content, special, ...flags }, index) => ({
    ...{ id: ids.takeAdded(`added_tokens[${index}].id`, content, id), content, special: special ?? false },
    single_word: flags.single_word ?? false,
    lstrip: flags.lstrip ?? false,
    rstrip: flags.rstrip ?? false,
    normalized: flags.normalized ?? special !== true,
  }));
}

/** Returns BERT's normalizer in the form of tokenizer.json. */
export const normalizerOf = ({ lowercase, stripsAccents, partsChinese }: BertRules): object => ({
  type: "BertNormalizer",
  clean_text: true,
  handle_chinese_chars: partsChinese,
  // `null`: accents are stripped if the text is lower-cased.
  strip_accents: stripsAccents === lowercase ? null : stripsAccents,
  lowercase,
});

/** Checks that the post-processor gives [CLS] A [SEP], in either of two forms. BLIP reads no pairs of texts. */
function postProcessor(name: string, processor: TokenizerJson["post_processor"], ids: Ids): object {
  const field = "post_processor";
  if (processor.type === "BertProcessing") {
    ids.expectSpecial(`${field}.cls`, "[CLS]", processor.cls);
    ids.expectSpecial(`${field}.sep`, "[SEP]", processor.sep);
  } else {
    const { value: pieces, mismatch } = schema.checked(listOf(pieceSchema, 3), processor.single);
    const said = pieces?.map((piece) => (piece.SpecialToken ?? piece.Sequence)?.id ?? "?").join(" ");
    if (said !== "[CLS] A [SEP]")
      throw unsupportedComponent(name, `${field}.single`, "[CLS] A [SEP]", said ?? mismatch?.found ?? "none");
    const tokens = isRecord(processor.special_tokens) ? processor.special_tokens : {};
    for (const token of ["[CLS]", "[SEP]"]) {
      const own = isRecord(tokens[token]) ? tokens[token].ids : undefined;
      const [id, ...more] = Array.isArray(own) ? (own as unknown[]) : [];
      ids.expectSpecial(`${field}.special_tokens`, token, more.length === 0 ? [token, id] : own);
    }
  }
  const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  return {
    type: "TemplateProcessing",
    single: [special("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]")],
    pair: [],
    special_tokens: {},
  };
}

/** @throws {ModelError} `text/bad-tokenizer`, `tokenizer/unsupported-component`, `tokenizer/limit` */
function checkedFile(file: unknown, name: string): TokenizerJson {
  if (!isRecord(file) || !isRecord(file.model))
    throw badTokenizer(name, "expected an object with a model, got none");
  const { value, mismatch } = schema.checked(fileSchema(file.model), file);
  if (!mismatch) return value;
  const { field, expected, found, overLimit } = mismatch;
  throw overLimit
    ? overTokenizerLimit(name, field, found, expected)
    : unsupportedComponent(name, field, expected, found);
}

/**
 * Validates a parsed tokenizer.json.
 * @param name the file, for messages @param rows the rows of the model's word table, the upper bound of ids
 * @throws {ModelError} `text/bad-tokenizer`, `tokenizer/unsupported-component`, `tokenizer/bad-id`, `tokenizer/limit`
 */
export function readTokenizerFile(file: unknown, name: string, rows = maxVocabulary): TokenizerFile {
  const { model, normalizer, decoder, ...rest } = checkedFile(file, name);
  const ids = new Ids(name, rows);
  ids.readVocabulary(model.vocab);
  const added_tokens = addedTokens(name, rest.added_tokens, ids);
  const unknown = model.unk_token ?? "[UNK]";
  if (ids.of(unknown) === undefined)
    throw badId(name, "model.unk_token", "a token of the vocabulary", schema.shownValue(unknown));
  const json = {
    ...{ version: "1.0", truncation: null, padding: null, added_tokens },
    model: {
      type: "WordPiece",
      unk_token: unknown,
      continuing_subword_prefix: model.continuing_subword_prefix ?? "##",
      max_input_chars_per_word: model.max_input_chars_per_word ?? 100,
      vocab: model.vocab,
    },
    normalizer: {
      type: "BertNormalizer",
      clean_text: normalizer.clean_text ?? true,
      handle_chinese_chars: normalizer.handle_chinese_chars ?? true,
      // By default, accents are stripped if the text is lower-cased.
      strip_accents: normalizer.strip_accents ?? null,
      lowercase: normalizer.lowercase ?? true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: postProcessor(name, rest.post_processor, ids),
    decoder: { type: "WordPiece", prefix: decoder?.prefix ?? "##", cleanup: decoder?.cleanup ?? true },
  };
  const { lowercase } = json.normalizer;
  const rules = {
    lowercase,
    stripsAccents: json.normalizer.strip_accents ?? lowercase,
    partsChinese: json.normalizer.handle_chinese_chars,
  };
  return { vocabulary: ids.vocabulary, json, rules };
}
