// What tokenizer_config.json may say. Of it only the special tokens count here: which tokens more are left out of what is
// decoded. How texts are split stands in tokenizer.json.
import { schema } from "@blip-ts/base";
import { badTokenizerConfig } from "./errors.ts";

const { maybe, flag, fields, listOf, either } = schema;

/** Most special tokens that it may name, and characters of each. */
const maxSpecials = 1_000;
const maxCharacters = 512;

/** A token by itself, or as transformers writes an AddedToken. */
const token = () =>
  either(
    [
      schema.text(maxCharacters),
      schema.mapped(fields({ content: schema.text(maxCharacters) }), ({ content }) => content),
    ],
    `a token of at most ${maxCharacters} characters`,
  );

const configSchema = fields({
  do_lower_case: maybe(flag()),
  strip_accents: maybe(flag()),
  tokenize_chinese_chars: maybe(flag()),
  // transformers writes 1e30 where there is no limit.
  model_max_length: maybe(schema.real(1, 1e31)),
  tokenizer_class: maybe(schema.text(256)),
  cls_token: maybe(token()),
  mask_token: maybe(token()),
  pad_token: maybe(token()),
  sep_token: maybe(token()),
  unk_token: maybe(token()),
  additional_special_tokens: maybe(listOf(token(), maxSpecials)),
});

/**
 * The special tokens that a parsed tokenizer_config.json names besides BERT's own.
 * @param name of the file, for messages @throws {ModelError} `tokenizer/bad-config`, naming the field
 */
export function specialsOf(config: unknown, name: string): string[] {
  if (config === undefined) return [];
  const { value, mismatch } = schema.checked(configSchema, config);
  if (mismatch) throw badTokenizerConfig(name, schema.mismatchText(mismatch));
  return value.additional_special_tokens ?? [];
}
