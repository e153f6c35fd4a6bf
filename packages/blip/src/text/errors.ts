// What can be wrong with texts and tokenizer files: one factory a failure. Codes are `text/...`.
import { InputError, ModelError, UsageError } from "@blip-ts/base";

export const emptyText = (position: number): UsageError =>
  new UsageError("text/empty", `text ${position + 1} is empty: give a sentence`, { position });

export const notAText = (position: number, found: string): UsageError =>
  new UsageError("text/not-a-text", `text ${position + 1}: expected a text, found ${found}. Give a string.`, {
    position,
  });

/** @param found in characters, as JavaScript counts them */
export const overTextLength = (position: number, found: number, limit: number): InputError =>
  new InputError(
    "text/too-long",
    `text ${position + 1}: expected at most ${limit} characters, found ${found}. ` +
      "Give a shorter one, or raise maxTextLength (--max-text-length) if you trust it.",
    { position, found, limit },
  );

export const tooLong = (text: string, tokens: number, limit: number): InputError =>
  new InputError(
    "text/too-long",
    `"${text.slice(0, 60)}${text.length > 60 ? "..." : ""}" has ${tokens} tokens, the model has ${limit} positions: ` +
      "give a shorter text (a processor cuts it where it is called with truncation: true)",
    { tokens, limit },
  );

export const badTokenizer = (name: string, detail: string): ModelError =>
  new ModelError(
    "text/bad-tokenizer",
    `${name}: ${detail}. Give the tokenizer.json or vocab.txt of a BERT model.`,
    {
      name,
      detail,
    },
  );

export const badTokenizerConfig = (name: string, detail: string): ModelError =>
  new ModelError(
    "tokenizer/bad-config",
    `${name}: ${detail}. Give the tokenizer_config.json that belongs to this tokenizer, or none.`,
    { name, detail },
  );

export const missingToken = (name: string, token: string): ModelError =>
  badTokenizer(name, `the vocabulary has no ${token}, which every BERT vocabulary has`);

/** Words of a file, fit for a message: not endless. */
const short = (text: string): string => text.slice(0, 120);

/** BLIP's tokenizer is BERT's: a part of another one would change texts without a word, or compute without end. */
export const unsupportedComponent = (
  name: string,
  field: string,
  expected: string,
  found: string,
): ModelError =>
  new ModelError(
    "tokenizer/unsupported-component",
    `${name}: ${short(field)}: expected ${expected}, found ${short(found)}. Give the tokenizer.json or vocab.txt of a BERT model.`,
    { name, field, expected, found },
  );

export const badId = (name: string, field: string, expected: string, found: string): ModelError =>
  new ModelError(
    "tokenizer/bad-id",
    `${name}: ${short(field)}: expected ${short(expected)}, found ${short(found)}. Give the tokenizer that belongs to these weights.`,
    { name, field, expected, found },
  );

export const overTokenizerLimit = (
  name: string,
  what: string,
  found: number | string,
  limit: number | string,
): ModelError =>
  new ModelError(
    "tokenizer/limit",
    `${name}: ${short(what)}: expected ${typeof limit === "number" ? `at most ${limit}` : limit}, found ${found}. Give the tokenizer.json or vocab.txt of a BERT model.`,
    { name, what, found, limit },
  );
