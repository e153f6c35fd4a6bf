// Splits text into Penn Treebank tokens. At each position, the longest matching rule wins.
import { contracted } from "./lexicon.ts";
import { type Rule, rules } from "./rules.ts";

interface Compiled extends Rule {
  readonly pattern: RegExp;
}

const compiled: readonly Compiled[] = rules.map((rule) => ({
  ...rule,
  pattern: new RegExp(rule.before === undefined ? rule.match : `(?:${rule.match})(?=(${rule.before}))`, "y"),
}));

/** A lower-case word between spaces. No rule reads more or less of it, unless it is a contraction to split. */
const plainWord = / ?([a-z]+)(?= )/y;
const toBeCut = new Set(contracted.split(" ").map((one) => one.replace("|", "")));

/** The rule that wins at `position`, with the length that it reads; undefined if none matches. */
function longest(text: string, position: number): { rule: Compiled; length: number } | undefined {
  let best: { rule: Compiled; length: number } | undefined;
  let reach = 0;
  for (const rule of compiled) {
    rule.pattern.lastIndex = position;
    const found = rule.pattern.exec(text);
    if (found === null) continue;
    const [read, after] = found;
    const reaches = read.length + (rule.before === undefined ? 0 : (after?.length ?? 0));
    if (reaches > reach) [best, reach] = [{ rule, length: read.length }, reaches];
  }
  return best;
}

/**
 * The tokens of a text. A new line gives the token "\n". Spaces within a token ("5 1/2") become U+00A0. Characters that
 * no rule matches are dropped: control characters, emoji, letters beyond Unicode's first plane.
 */
export function* lex(text: string): Generator<string> {
  for (let position = 0; position < text.length;) {
    // The fast path for most words of captions, without trying every rule.
    plainWord.lastIndex = position;
    const [plain = "", plainToken = ""] = plainWord.exec(text) ?? [];
    if (plain !== "" && !toBeCut.has(plainToken)) {
      yield plainToken;
      position += plain.length;
      continue;
    }
    const match = longest(text, position);
    if (match === undefined) {
      position++;
      continue;
    }
    const { rule, length } = match;
    const read = text.slice(position, position + length);
    const token = rule.token === undefined ? read.replaceAll("\u00ad", "") : rule.token(read);
    if (token !== null) yield token.replaceAll(" ", "\u00a0") || "-";
    position += length - (rule.again ?? 0);
  }
}
