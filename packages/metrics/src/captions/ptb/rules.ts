// The rules of the Penn Treebank tokenizer, as in Stanford's PTBTokenizer 3.4.1. They were derived by comparing its
// output on all short strings, words in many contexts and random text (oracle/metrics/README.md).
import { atLeast } from "@blip-ts/base";
import { symbol } from "./characters.ts";
import * as lexicon from "./lexicon.ts";
import * as p from "./patterns.ts";

/** A rule. The longest match wins, including `before`; of equally long matches, the earlier rule wins. */
export interface Rule {
  /** The pattern of the text that the rule reads, as the source of a regular expression. */
  readonly match: string;
  /** The pattern that must follow. It counts towards the length, and is read again for the next token. */
  readonly before?: string;
  /** The number of units at the end that are read again for the next token, even if this token contains them. */
  readonly again?: number;
  /** Makes the token from the text read; null for no token. Default: the text without its soft hyphens. */
  readonly token?: (read: string) => string | null;
}

const as = (token: string) => () => token;
const asRead = (read: string) => read;
const dropped = () => null;

/** Converts curly apostrophes and quotation marks to the treebank's ASCII. */
function quotes(read: string): string {
  return read
    .replace(/&apos;|[\u0092\u2019\u203a]/g, "'")
    .replace(/[\u0091\u2018\u201b\u2039]/g, "`")
    .replace(/[\u0093\u201c\u00ab]/g, "``")
    .replace(/[\u0094\u201d\u00bb]/g, "''");
}
const roundBrackets = (read: string) => read.replace("(", "-LRB-").replace(")", "-RRB-");
const ampersand = (read: string) => read.replace(/&amp;/gi, "&");
const pause = "[,;:\\u3001]";
const quotationMark = `"|&${p.anyCase("quot")};`;
const quoted = (by: string) => (read: string) => read.replace(/"|&quot;/, by);

/** An abbreviation that ends a sentence: the token contains its full stop, which also becomes a token of its own. */
const closing = (abbreviation: string, before?: string): Rule => ({
  match: `${abbreviation}\\.`,
  ...(before === undefined ? {} : { before }),
  again: 1,
});

const words: readonly Rule[] = [
  ...lexicon.contracted.split(" ").map((one) => {
    const [first, second] = atLeast(one.split("|"), 2);
    return {
      match: p.anyCase(first + second),
      again: second.length,
      token: (read: string) => read.slice(0, first.length),
    };
  }),
  { match: p.tag, token: asRead },
  // "do|n't", "it|'s".
  { match: "[A-Za-z\\u00ad]*[A-MO-Za-mo-z]\\u00ad*", before: p.not },
  { match: p.word, before: p.clitic },
  { match: p.word },
  { match: p.clitic, before: "[^A-Za-z]", token: quotes },
  { match: p.not, token: quotes },
];

const withApostrophe: readonly Rule[] = [
  // "O'Brien", "O`Brien", "n'est"; but "I'll".
  { match: `[oO]${p.likeApostrophe}(?:${p.letters}{2,}|[oO])` },
  { match: `[A-HJ-XZn]${p.likeApostrophe}${p.letters}{2,}` },
  // "Hawai'i", "qu'il".
  { match: `${p.letters}+[aeiouyAEIOUY]${p.likeApostrophe}[aeiouA-Z]${p.letters}*` },
  { match: `${p.apostrophe}[nN]${p.apostrophe}?` },
  { match: `${p.apostrophe}[2-9]0[sS]` },
  { match: `${p.apostrophe}[0-9]{2}`, before: p.anySpace },
  ...lexicon.whole.split(" ").map((one) => ({ match: p.anyCase(one).replace("'", () => p.apostrophe) })),
  ...lexicon.wholeIfStraight.split(" ").map((one) => ({ match: p.anyCase(one) })),
  // "y'|all".
  { match: `[yY]${p.apostrophe}`, before: p.letters },
];

const addresses: readonly Rule[] = [
  { match: p.url, token: asRead },
  { match: p.site, token: asRead },
  { match: p.site + p.sitePath, token: asRead },
  { match: p.email, token: asRead },
  { match: "@[A-Za-z_]\\w*" },
  { match: `#${p.wordStart}+`, token: asRead },
];

const numbers: readonly Rule[] = [
  { match: p.date },
  { match: `[-+]?${p.number}` },
  ...p.phones.map((match) => ({ match, token: roundBrackets })),
  { match: p.fraction },
];

const abbreviations: readonly Rule[] = [
  { match: p.acronym, before: p.anySpace },
  { match: `${p.acronym}\\.` },
  closing(p.acronym, p.opening),
  closing(p.oneOf(lexicon.closing), p.sentenceEnd),
  { match: `${p.oneOf(lexicon.closing)}\\.`, before: "[^][^]" },
  // At the end of the text.
  closing(p.oneOf(lexicon.closing)),
  { match: "[A-Za-z]\\." },
  { match: "[A-Za-z]", before: `\\.${p.opening}` },
  { match: `${p.oneOf(lexicon.leading)}\\.` },
  { match: `${p.oneOf(lexicon.numbering)}\\.`, before: `${p.anySpace}?${p.d}` },
  // A full stop before a comma belongs to the word.
  ...[p.word, p.compound, p.hyphenated].map((one) => ({ match: `${one}\\.`, before: pause })),
  { match: `${p.company}\\.`, before: pause, token: ampersand },
];

const compounds: readonly Rule[] = [
  { match: p.fileName, before: `${p.anySpace}|[?!,.]`, token: asRead },
  { match: p.compound },
  { match: p.hyphenated },
  { match: p.slashed },
  { match: p.company, token: ampersand },
  { match: `${p.anyCase("c")}\\+\\+|[cfCF]#` },
];

/** Text, and the token that replaces it. */
const replaced: readonly (readonly [match: string, token: string])[] = [
  [`&${p.anyCase("lt")};`, "<"],
  [`&${p.anyCase("gt")};`, ">"],
  [`&${p.anyCase("amp")};`, "&"],
  [`&(?:${p.oneOf("mdash ndash md")});`, "--"],
  ["[\\u0080\\u00a4\\u20a0\\u20ac]", "$"],
  ["\\u00a3", "#"],
  ["\\u00a2", "cents"],
  ["\\u00bc", "1/4"],
  ["\\u00bd", "1/2"],
  ["\\u00be", "3/4"],
  ["\\u2153", "1/3"],
  ["\\u2154", "2/3"],
  ["\\(", "-LRB-"],
  ["\\)", "-RRB-"],
  ["\\[", "-LSB-"],
  ["\\]", "-RSB-"],
  ["\\{", "-LCB-"],
  ["\\}", "-RCB-"],
  ["\\.{3,5}|\\.[ \\u00a0]\\.[ \\u00a0]\\.(?:[ \\u00a0]\\.){0,2}|[\\u0085\\u2026]", "..."],
  ["-{2,4}|[\\u0096\\u0097\\u2013-\\u2015]", "--"],
  ["\\u00ad", "-"],
  [p.newline, "\n"],
];

const punctuation: readonly Rule[] = [
  ...replaced.map(([match, token]) => ({ match, token: as(token) })),
  { match: `[A-Z]*\\$` },
  { match: "[?!]+" },
  { match: "-{5,}" },
  { match: "\\*+|_+|#+|@+|<<|>>|(?:\\\\\\*)+" },
  // Superscripts and subscripts, with a sign.
  {
    match:
      "[\\u207a\\u207b\\u208a\\u208b]?(?:[\\u2070\\u00b9\\u00b2\\u00b3\\u2074-\\u2079]+|[\\u2080-\\u2089]+)",
  },
  { match: quotationMark, before: "[A-Za-z0-9$]", token: quoted("``") },
  { match: quotationMark, token: quoted("''") },
  { match: "'", before: "[A-Za-z][^ \\t\\n\\r\\u00a0]", token: as("`") },
  { match: p.clitic, token: quotes },
  {
    match: `''|[\`\\u00ab\\u00bb\\u0091-\\u0094\\u2018-\\u201f\\u2039\\u203a]{1,2}|${p.apostrophe}`,
    token: quotes,
  },
  { match: `&(?:#[0-9]+|${p.oneOf(lexicon.entities)});` },
  { match: `-${p.oneOf(lexicon.bracketNames)}-` },
  // Faces: ":-)", "^_^", "(^_^)".
  { match: "[<>]?[:;=][-o*']?[()DPdpO\\\\{@|[\\]]", before: "[^A-Za-z0-9]", token: roundBrackets },
  { match: "[-^x=~<>']_[-^x=~<>']" },
  { match: "\\([-^x=~<>'][_.]?[-^x=~<>']\\)", token: roundBrackets },
  { match: "\\([\\^x=~<>']-[\\^x=~<>'`]\\)", token: roundBrackets },
  { match: `&${p.anyCase("nbsp")};|${p.space}+`, token: dropped },
  { match: `[!-/:-@[-\`{-~${symbol}]` },
];

export const rules: readonly Rule[] = [
  ...words,
  ...withApostrophe,
  ...addresses,
  ...numbers,
  ...abbreviations,
  ...compounds,
  ...punctuation,
];
