// What can be wrong with texts and tokenizer files: one factory a failure. Codes are `text/...`.
import { InputError, ModelError, UsageError } from "../errors.ts";

export const emptyText = (position: number): UsageError =>
  new UsageError("text/empty", `text ${position + 1} is empty: give a sentence`, { position });

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

export const missingToken = (name: string, token: string): ModelError =>
  badTokenizer(name, `the vocabulary has no ${token}, which every BERT vocabulary has`);
