// What of a tokenizer.json is believed. It is untrusted: only the parts that BERT's tokenizer has are known (tokenizers'
// BertNormalizer, BertPreTokenizer, WordPiece, TemplateProcessing or BertProcessing, the WordPiece decoder; all that
// transformers 4.26 to 5.x saves for BLIP has no others), each is read into plain values, and nothing else of the file goes
// on. So no regular expression of a file is ever made, and no id of it decides how much memory is taken.
import { schema } from "@blip-ts/base";
import type { BertRules } from "./as-bert-reads.ts";
import { badId, badTokenizer, overTokenizerLimit, unsupportedComponent } from "./errors.ts";

/** Most tokens of a vocabulary, which take half a second to be made a tokenizer; BERT's largest has 119,547. */
export const maxVocabulary = 200_000;
/** Most added tokens, and characters of all of them: each is a node of a tree. BLIP's files have 5 to 7. */
const maxAdded = 10_000;
const maxAddedCharacters = 100_000;
/** Longest token; BERT's has 18 characters. */
export const maxTokenLength = 512;
/** Longest word that is looked up piece by piece, which takes its square: BERT's is 100. */
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
  // Ids are held against the word table below; of 30,000 of them none is looked at twice.
  vocab: schema.passed<Json>(isRecord, "an object of ids by token"),
};

/** Files of 2019 leave the type out; only WordPiece has this prefix. */
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
/** [CLS] A [SEP], piece by piece. */
const pieceSchema = fields({
  SpecialToken: maybe(fields(frame, "an object")),
  Sequence: maybe(fields(frame, "an object")),
});

/** tokenizer.json, but for what its ids are. */
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

/** A tokenizer.json that holds what it may. */
export interface TokenizerFile {
  /** Ids by token, added ones among them, in the order of ids; there may be ids between them that no token has. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** For the library that runs it. */
  readonly json: object;
  /** What its normalizer does. */
  readonly rules: BertRules;
}

/** Ids of tokens, each held against the word table and against those before it. */
class Ids {
  readonly #name: string;
  /** Made as long as it gets: numbers that are tokens come first in an object, whatever their ids. */
  readonly #byId: (string | undefined)[];
  #vocab: Json = {};
  readonly #added = new Map<string, number>();

  /** @param rows of the model's word table */
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

  /** The id of a token that was read. */
  of(token: string): unknown {
    return this.#added.get(token) ?? (Object.hasOwn(this.#vocab, token) ? this.#vocab[token] : undefined);
  }

  /** An added token may stand in the vocabulary as well, and has the same id there. */
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

  /** A special token with its id, which has to be the vocabulary's. */
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

  /** @throws {ModelError} `tokenizer/bad-id` for an id that is none, or that another token has */
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

/** BERT's normalizer, as a tokenizer.json says it. */
export const normalizerOf = ({ lowercase, stripsAccents, partsChinese }: BertRules): object => ({
  type: "BertNormalizer",
  clean_text: true,
  handle_chinese_chars: partsChinese,
  // `null`: accents go with capital letters.
  strip_accents: stripsAccents === lowercase ? null : stripsAccents,
  lowercase,
});

/** [CLS] A [SEP], said in either of two ways; BLIP reads no pairs. */
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
  if (!isRecord(file) || !isRecord(file.model)) throw badTokenizer(name, "it has no model");
  const { value, mismatch } = schema.checked(fileSchema(file.model), file);
  if (!mismatch) return value;
  const { field, expected, found, overLimit } = mismatch;
  throw overLimit
    ? overTokenizerLimit(name, field, found, expected)
    : unsupportedComponent(name, field, expected, found);
}

/**
 * Reads a parsed tokenizer.json.
 * @param name of the file, for messages @param rows of the model's word table: an id is below them
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
      // Where it is not said, accents go with capital letters.
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
