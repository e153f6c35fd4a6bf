// Reads tokenizer_config.json. As in transformers 4.26 to 5.x for BLIP's tokenizer, this file determines the handling
// of case, accents and Chinese, not the normalizer of tokenizer.json. Missing values get `BertTokenizer`'s defaults.
// With transformers' general classes, only tokenizer.json counts (oracle/hf/side_files.py).
import { schema, type Warning } from "@blip-ts/base";
import { uncased, type BertRules } from "./as-bert-reads.ts";
import { badTokenizerConfig, rulesDiffer } from "./errors.ts";

const { maybe, flag, fields, listOf, either } = schema;

/** The most special tokens, and the most characters per token. */
const maxSpecials = 1_000;
const maxCharacters = 512;

/** A plain token, or transformers' AddedToken object. */
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
  // transformers writes 1e30 if there is no limit.
  model_max_length: maybe(schema.real(1, 1e31)),
  tokenizer_class: maybe(schema.text(256)),
  cls_token: maybe(token()),
  mask_token: maybe(token()),
  pad_token: maybe(token()),
  sep_token: maybe(token()),
  unk_token: maybe(token()),
  additional_special_tokens: maybe(listOf(token(), maxSpecials)),
});

/** Classes that use tokenizer.json unchanged. */
const generalClasses: ReadonlySet<string> = new Set(["PreTrainedTokenizerFast", "TokenizersBackend"]);

/** The largest model_max_length that counts as a limit. */
const longestLimit = 1e9;

/** The settings from a tokenizer_config.json. */
export interface TokenizerSettings {
  /** Special tokens in addition to BERT's. Decoding omits them. */
  readonly specials: readonly string[];
  /** The normalization rules; undefined if tokenizer.json determines them. */
  readonly rules: BertRules | undefined;
  /** The default number of tokens to which texts are truncated; undefined if there is no limit. */
  readonly maxLength: number | undefined;
}

/**
 * Reads the settings from a parsed tokenizer_config.json. A model without this file has BERT's own settings.
 * @param name the file, for messages @throws {ModelError} `tokenizer/bad-config` with the field
 */
export function readTokenizerConfig(config: unknown, name: string): TokenizerSettings {
  if (config === undefined) return { specials: [], rules: uncased, maxLength: undefined };
  const { value, mismatch } = schema.checked(configSchema, config);
  if (mismatch) throw badTokenizerConfig(name, schema.mismatchText(mismatch));
  const lowercase = value.do_lower_case ?? true;
  const rules = {
    lowercase,
    stripsAccents: value.strip_accents ?? lowercase,
    partsChinese: value.tokenize_chinese_chars ?? true,
  };
  const most = value.model_max_length ?? Infinity;
  return {
    specials: value.additional_special_tokens ?? [],
    rules: generalClasses.has(value.tokenizer_class ?? "") ? undefined : rules,
    maxLength: most > longestLimit ? undefined : Math.floor(most),
  };
}

const fieldNames: readonly (readonly [keyof BertRules, inFile: string, inConfig: string])[] = [
  ["lowercase", "lowercase", "do_lower_case"],
  ["stripsAccents", "strip_accents", "strip_accents"],
  ["partsChinese", "handle_chinese_chars", "tokenize_chinese_chars"],
];

/** Returns a warning if tokenizer.json has other rules than the rules in use. @param name the tokenizer.json */
export function rulesWarning(name: string, file: BertRules, used: BertRules): Warning | undefined {
  const different = fieldNames.filter(([rule]) => file[rule] !== used[rule]);
  if (different.length === 0) return undefined;
  const said = (which: 1 | 2, rules: BertRules) =>
    different.map((names) => `${names[which]} ${rules[names[0]]}`).join(", ");
  return rulesDiffer(name, said(1, file), said(2, used));
}
