// Error factories for texts and tokenizer files. Codes: `text/...`, `tokenizer/...`.
import { InputError, ModelError, UsageError, type Warning } from "@blip-ts/base";

/**
 * A text is empty.
 * @remedy Give a sentence.
 */
export const emptyText = (position: number): UsageError =>
  new UsageError("text/empty", `text ${position + 1} is empty: give a sentence`, { position });

/**
 * A value in a list of texts is not a string.
 * @remedy Give a string.
 */
export const notAText = (position: number, found: string): UsageError =>
  new UsageError("text/not-a-text", `text ${position + 1}: expected a text, got ${found}. Give a string.`, {
    position,
  });

/**
 * A text has more characters than `maxTextLength`.
 * @remedy Give a shorter text, or raise `maxTextLength` (`--max-text-length`) if you trust it.
 * @param found the number of characters, as JavaScript counts them
 */
export const overTextLength = (position: number, found: number, limit: number): InputError =>
  new InputError(
    "text/too-long",
    `text ${position + 1}: expected at most ${limit} characters, got ${found}. ` +
      "Give a shorter one, or raise maxTextLength if you trust it.",
    { position, found, limit },
  );

/**
 * A text has more tokens than the model has positions.
 * @remedy Give a shorter text. A processor cuts it with `truncation: true`.
 */
export const tooLong = (text: string, tokens: number, limit: number): InputError =>
  new InputError(
    "text/too-long",
    `"${text.slice(0, 60)}${text.length > 60 ? "..." : ""}": expected at most ${limit} tokens (the model's positions), got ${tokens}. ` +
      "Give a shorter text; a processor cuts it with truncation: true.",
    { tokens, limit },
  );

/**
 * The tokenizer's file cannot be used.
 * @remedy Give the tokenizer.json or vocab.txt of a BERT model.
 */
export const badTokenizer = (name: string, detail: string): ModelError =>
  new ModelError(
    "text/bad-tokenizer",
    `${name}: ${detail}. Give the tokenizer.json or vocab.txt of a BERT model.`,
    {
      name,
      detail,
    },
  );

/**
 * tokenizer_config.json holds a value that cannot be used.
 * @remedy Give the tokenizer_config.json that belongs to this tokenizer, or none.
 */
export const badTokenizerConfig = (name: string, detail: string): ModelError =>
  new ModelError(
    "tokenizer/bad-config",
    `${name}: ${detail}. Give the tokenizer_config.json that belongs to this tokenizer, or none.`,
    { name, detail },
  );

export const missingToken = (name: string, token: string): ModelError =>
  badTokenizer(name, `expected ${token}, which every BERT vocabulary has, got none`);

/** Shortens a part of a file's text for a message. */
const short = (text: string): string => text.slice(0, 120);

/**
 * tokenizer.json has a component that BERT's tokenizer does not have.
 * @remedy Give the tokenizer.json or vocab.txt of a BERT model.
 */
export const unsupportedComponent = (
  name: string,
  field: string,
  expected: string,
  found: string,
): ModelError =>
  new ModelError(
    "tokenizer/unsupported-component",
    `${name}: ${short(field)}: expected ${expected}, got ${short(found)}. Give the tokenizer.json or vocab.txt of a BERT model.`,
    { name, field, expected, found },
  );

/**
 * An id of the tokenizer does not fit the model.
 * @remedy Give the tokenizer that belongs to these weights.
 */
export const badId = (name: string, field: string, expected: string, found: string): ModelError =>
  new ModelError(
    "tokenizer/bad-id",
    `${name}: ${short(field)}: expected ${short(expected)}, got ${short(found)}. Give the tokenizer that belongs to these weights.`,
    { name, field, expected, found },
  );

/**
 * The tokenizer's file exceeds a limit.
 * @remedy Give the tokenizer.json or vocab.txt of a BERT model.
 */
export const overTokenizerLimit = (
  name: string,
  what: string,
  found: number | string,
  limit: number | string,
): ModelError =>
  new ModelError(
    "tokenizer/limit",
    `${name}: ${short(what)}: expected ${typeof limit === "number" ? `at most ${limit}` : limit}, got ${found}. Give the tokenizer.json or vocab.txt of a BERT model.`,
    { name, what, found, limit },
  );

/**
 * Words of a text are not in the model's vocabulary.
 * @remedy Use other words, or a model that knows them.
 * @param words the words, quoted, and the number of texts that contain them
 */
export const unknownWords = (words: string, isLast: boolean): Warning => ({
  code: "text/unknown-words",
  message:
    `the model's vocabulary lacks ${words}: it reads them letter by letter, or as [UNK], and its answers about them mean ` +
    `little. Use other words, or a model that knows them.${isLast ? " No more of these warnings follow." : ""}`,
});

/**
 * tokenizer.json and tokenizer_config.json disagree on how to read texts.
 * @remedy Write the same rules into both files.
 */
export const rulesDiffer = (name: string, inFile: string, used: string): Warning => ({
  code: "tokenizer/rules-differ",
  message:
    `${name}: expected one set of rules, got ${inFile} in its normalizer and ${used} from tokenizer_config.json. As in transformers, the latter ` +
    "applies, or BERT's defaults if it sets nothing. Write the same rules into both files.",
});
