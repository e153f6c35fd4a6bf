// What of a tokenizer.json is believed. It is untrusted: only the parts that BERT's tokenizer has are known (tokenizers'
// BertNormalizer, BertPreTokenizer, WordPiece, TemplateProcessing or BertProcessing, the WordPiece decoder; all that
// transformers 4.26 to 5.x saves for BLIP has no others), each is read into plain values, and nothing else of the file goes
// on. So no regular expression of a file is ever made, and no id of it decides how much memory is taken.
import { badId, badTokenizer, overTokenizerLimit, unsupportedComponent } from "./errors.ts";

/** Most tokens of a vocabulary; BERT's largest has 119,547. */
export const maxVocabulary = 1_000_000;
/** Most added tokens, and characters of all of them: each is a node of a tree. BLIP's files have 5 to 7. */
const maxAdded = 10_000;
const maxAddedCharacters = 100_000;
/** Longest token; BERT's has 18 characters. */
const maxTokenLength = 512;
/** Longest word that is looked up piece by piece, which takes its square: BERT's is 100. */
const maxWordLength = 200;
const maxPrefixLength = 16;

type Json = Readonly<Record<string, unknown>>;

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** A tokenizer.json that holds what it may. */
export interface TokenizerFile {
  /** Ids by token, added ones among them, in the order of ids; there may be ids between them that no token has. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** For the library that runs it. */
  readonly json: object;
}

const isRecord = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const optional = (value: unknown): boolean => value === undefined || value === null;

/** What stands at a place of the file. */
function described(value: unknown): string {
  if (isRecord(value)) return typeof value.type === "string" ? value.type : "an object";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : optional(value)
      ? "none"
      : typeof value;
}

class Reader {
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

  read(file: unknown): TokenizerFile {
    if (!isRecord(file) || !isRecord(file.model)) throw badTokenizer(this.#name, "it has no model");
    const model = this.#model(file.model);
    const added_tokens = this.#addedTokens(file.added_tokens);
    const unknown = model.unk_token;
    if (this.#idOf(unknown) === undefined)
      throw badId(this.#name, "model.unk_token", "a token of the vocabulary", described(unknown));
    const json = {
      ...{ version: "1.0", truncation: null, padding: null, added_tokens, model },
      normalizer: this.#normalizer(file.normalizer),
      pre_tokenizer: this.#preTokenizer(file.pre_tokenizer),
      post_processor: this.#postProcessor(file.post_processor),
      decoder: this.#decoder(file.decoder),
    };
    const vocabulary = new Map<string, number>();
    this.#byId.forEach((token, id) => token !== undefined && vocabulary.set(token, id));
    return { vocabulary, json };
  }

  #component(field: string, value: unknown, ...types: readonly string[]): Json {
    const type = isRecord(value) ? value.type : undefined;
    if (!isRecord(value) || typeof type !== "string" || !types.includes(type))
      throw unsupportedComponent(this.#name, field, types.join(" or "), described(value));
    return value;
  }

  #boolean(field: string, value: unknown, otherwise: boolean): boolean {
    if (optional(value)) return otherwise;
    if (typeof value !== "boolean")
      throw unsupportedComponent(this.#name, field, "true or false", described(value));
    return value;
  }

  #text(field: string, value: unknown, most: number): string {
    if (typeof value !== "string") throw unsupportedComponent(this.#name, field, "a text", described(value));
    if (value.length > most)
      throw overTokenizerLimit(this.#name, `${field}, in characters`, value.length, most);
    return value;
  }

  #model(model: Json) {
    // Files of 2019 leave the type out; only WordPiece has this prefix.
    const isOld = optional(model.type) && typeof model.continuing_subword_prefix === "string";
    if (!isOld) this.#component("model", model, "WordPiece");
    const words = model.max_input_chars_per_word ?? 100;
    const isWhole = Number.isSafeInteger(words) && Number(words) >= 1;
    if (!isWhole || Number(words) > maxWordLength)
      throw overTokenizerLimit(this.#name, "model.max_input_chars_per_word", described(words), maxWordLength);
    return {
      type: "WordPiece",
      unk_token: this.#text("model.unk_token", model.unk_token ?? "[UNK]", maxTokenLength),
      continuing_subword_prefix: this.#text(
        "model.continuing_subword_prefix",
        model.continuing_subword_prefix ?? "##",
        maxPrefixLength,
      ),
      max_input_chars_per_word: Number(words),
      vocab: this.#vocabulary(model.vocab),
    };
  }

  #vocabulary(vocab: unknown): Json {
    const field = "model.vocab";
    if (!isRecord(vocab))
      throw unsupportedComponent(this.#name, field, "an object of ids by token", described(vocab));
    const tokens = Object.keys(vocab);
    if (tokens.length > maxVocabulary)
      throw overTokenizerLimit(this.#name, `the number of tokens of ${field}`, tokens.length, maxVocabulary);
    for (const token of tokens)
      this.#take(() => `${field}, the token "${token.slice(0, 60)}"`, token, vocab[token]);
    this.#vocab = vocab;
    return vocab;
  }

  /** The id of a token that was read. */
  #idOf(token: string): unknown {
    return this.#added.get(token) ?? (Object.hasOwn(this.#vocab, token) ? this.#vocab[token] : undefined);
  }

  /** @throws {ModelError} `tokenizer/bad-id` for an id that is none, or that another token has */
  #take(field: () => string, token: string, id: unknown): number {
    const { length } = this.#byId;
    if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 0 || id >= length)
      throw badId(
        this.#name,
        field(),
        `a whole number from 0 to below the model's ${length} rows`,
        described(id),
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

  /** An added token may stand in the vocabulary as well, and has the same id there. */
  #takeAdded(field: string, token: string, id: unknown): number {
    const known = this.#idOf(token) ?? id;
    if (known !== id)
      throw badId(this.#name, field, `the id ${String(known)} that it has elsewhere in the file`, described(id));
    const taken = this.#take(() => field, token, id);
    this.#added.set(token, taken);
    return taken;
  }

  #addedTokens(list: unknown): AddedToken[] {
    if (optional(list)) return [];
    if (!Array.isArray(list)) throw unsupportedComponent(this.#name, "added_tokens", "a list", described(list));
    if (list.length > maxAdded)
      throw overTokenizerLimit(this.#name, "the number of added_tokens", list.length, maxAdded);
    let characters = 0;
    return list.map((value: unknown, index) => {
      const field = `added_tokens[${index}]`;
      if (!isRecord(value)) throw unsupportedComponent(this.#name, field, "an object", described(value));
      const content = this.#text(`${field}.content`, value.content, maxTokenLength);
      if (content === "")
        throw unsupportedComponent(this.#name, `${field}.content`, "a text", "an empty one");
      characters += content.length;
      if (characters > maxAddedCharacters)
        throw overTokenizerLimit(this.#name, "added_tokens, in characters", characters, maxAddedCharacters);
      const flag = (name: string, otherwise = false) =>
        this.#boolean(`${field}.${name}`, value[name], otherwise);
      const special = flag("special");
      return {
        ...{ id: this.#takeAdded(`${field}.id`, content, value.id), content, special },
        ...{ single_word: flag("single_word"), lstrip: flag("lstrip"), rstrip: flag("rstrip") },
        normalized: flag("normalized", !special),
      };
    });
  }

  #normalizer(value: unknown) {
    const normalizer = this.#component("normalizer", value, "BertNormalizer");
    const flag = (name: string, otherwise: boolean) =>
      this.#boolean(`normalizer.${name}`, normalizer[name], otherwise);
    return {
      type: "BertNormalizer",
      clean_text: flag("clean_text", true),
      handle_chinese_chars: flag("handle_chinese_chars", true),
      // Where it is not said, accents go with capital letters.
      strip_accents: optional(normalizer.strip_accents) ? null : flag("strip_accents", true),
      lowercase: flag("lowercase", true),
    };
  }

  #preTokenizer(value: unknown) {
    this.#component("pre_tokenizer", value, "BertPreTokenizer");
    return { type: "BertPreTokenizer" };
  }

  /** [CLS] A [SEP], said in either of two ways; BLIP reads no pairs. */
  #postProcessor(value: unknown) {
    const field = "post_processor";
    const processor = this.#component(field, value, "TemplateProcessing", "BertProcessing");
    const special = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
    if (processor.type === "BertProcessing") {
      this.#special(`${field}.cls`, "[CLS]", processor.cls);
      this.#special(`${field}.sep`, "[SEP]", processor.sep);
    } else {
      const pieces = Array.isArray(processor.single) ? (processor.single as unknown[]) : [];
      const said = pieces.length === 3 ? pieces.map(pieceName).join(" ") : "";
      if (said !== "[CLS] A [SEP]")
        throw unsupportedComponent(
          this.#name,
          `${field}.single`,
          "[CLS] A [SEP]",
          said || described(processor.single),
        );
      const tokens = isRecord(processor.special_tokens) ? processor.special_tokens : {};
      for (const token of ["[CLS]", "[SEP]"]) {
        const ids = isRecord(tokens[token]) ? tokens[token].ids : undefined;
        const [id, ...more] = Array.isArray(ids) ? (ids as unknown[]) : [];
        this.#special(`${field}.special_tokens`, token, more.length === 0 ? [token, id] : ids);
      }
    }
    return {
      type: "TemplateProcessing",
      single: [special("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]")],
      pair: [],
      special_tokens: {},
    };
  }

  /** A special token with its id, which has to be the vocabulary's. */
  #special(field: string, token: string, pair: unknown): void {
    const [content, id] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : [];
    const known = this.#idOf(token);
    if (content !== token || known === undefined || id !== known)
      throw badId(
        this.#name,
        field,
        `${token} with its id ${typeof known === "number" ? known : "in the vocabulary"}`,
        `${described(content)}, ${described(id)}`,
      );
  }

  #decoder(value: unknown) {
    if (optional(value)) return { type: "WordPiece", prefix: "##", cleanup: true };
    const decoder = this.#component("decoder", value, "WordPiece");
    return {
      type: "WordPiece",
      prefix: this.#text("decoder.prefix", decoder.prefix ?? "##", maxPrefixLength),
      cleanup: this.#boolean("decoder.cleanup", decoder.cleanup, true),
    };
  }
}

/** What a piece of a template stands for. */
function pieceName(piece: unknown): string {
  const inside = isRecord(piece) ? (piece.SpecialToken ?? piece.Sequence) : undefined;
  return isRecord(inside) && typeof inside.id === "string" ? inside.id.slice(0, 60) : "?";
}

/**
 * Reads a parsed tokenizer.json.
 * @param name of the file, for messages @param rows of the model's word table: an id is below them
 * @throws {ModelError} `text/bad-tokenizer`, `tokenizer/unsupported-component`, `tokenizer/bad-id`, `tokenizer/limit`
 */
export const readTokenizerFile = (file: unknown, name: string, rows = maxVocabulary): TokenizerFile =>
  new Reader(name, rows).read(file);
