// Parts of regular expressions that several rules of the Penn Treebank tokenizer share.
import { digit, letter, mark, sentenceStart } from "./characters.ts";
import * as lexicon from "./lexicon.ts";

/** Letters beyond ASCII that the tokenizer treats as i, k or s: dotted and dotless i, kelvin, long s. */
const otherForms: Readonly<Record<string, string>> = { i: "\\u0130\\u0131", k: "\\u212a", s: "\\u017f" };

const eitherCase = (small: string) => `[${small}${small.toUpperCase()}${otherForms[small] ?? ""}]`;

/** Matches `text` in either case. */
export function anyCase(text: string): string {
  return text.replace(/[a-z]/g, eitherCase);
}

/** Matches one of the words of a list, in the notation of lexicon.ts. */
export function oneOf(list: string): string {
  const words = list
    .replaceAll(".", "\\.")
    .split(" ")
    .map((word) => word.replace(/=?[a-z]/g, (one) => (one.startsWith("=") ? one.slice(1) : eitherCase(one))));
  return `(?:${words.join("|")})`;
}

const spaceUnits = " \\t\\u00a0\\u2000-\\u200a\\u3000";
export const space = `[${spaceUnits}]`;
export const newline = "(?:\\r\\n|[\\r\\n\\u000b\\u000c\\u2028\\u2029])";
/** U+0085 is a new line here and an ellipsis elsewhere, as in Windows's character set. */
export const anySpace = `[${spaceUnits}\\r\\n\\u000b\\u000c\\u0085\\u2028\\u2029]`;

/** An apostrophe: straight, curly, or the entity. */
export const apostrophe = `(?:['\\u0092\\u2019]|&${anyCase("apos")};)`;
/** All characters that people type for an apostrophe. */
export const likeApostrophe = `(?:['\`\\u0091\\u0092\\u2018\\u2019\\u201b]|&${anyCase("apos")};)`;

export const d = `[${digit}]`;
export const letters = `[${letter}]`;
const letterOrDigit = `[${letter}${digit}]`;

/** An accented letter as an entity, such as "&eacute;". */
const accented = `&[aeiouAEIOU](?:${anyCase("acute")}|${anyCase("grave")}|${anyCase("uml")});`;
export const wordStart = `(?:[${letter}${mark}\\u00ad]|${accented})`;
const wordPart = `(?:[${letter}${mark}${digit}\\u00ad]|${accented})`;
const plainWord = `${wordStart}${wordPart}*`;
/** "dog", "e.g", "yahoo!answers". */
export const word = `${plainWord}(?:[.!?]${plainWord})*`;

/** The part split off at the end of "it's", "they'll". */
export const clitic = `${apostrophe}(?:[dmsDMS]|${anyCase("ll")}|${anyCase("re")}|${anyCase("ve")})`;
/** The part split off at the end of "don't". */
export const not = `[nN]${likeApostrophe}[tT]`;

/** "1", "1,000", ".5", "10:30". */
export const number = `(?:${d}*(?:[.:,\\u00ad\\u066b\\u066c]${d}+)+|${d}+)`;

const elided = `(?:[dloDLO]${likeApostrophe}${letterOrDigit})?`;
/** "t-shirt", "snake_case", "7-Eleven", "coup-d'etat". */
export const compound = `${elided}${letterOrDigit}+(?:[-_\\u058a\\u2010\\u2011]${elided}${letterOrDigit}+)*`;
const initials = "[A-Za-z](?:\\.[A-Za-z])+";
/** "1,000-pound", "U.S.-based", "anti-U.S.". */
export const hyphenated = `[A-Za-z0-9][A-Za-z0-9.,\\u00ad]*(?:-(?:${initials}\\.|[A-Za-z0-9\\u00ad]+))+`;
const slashPart = "[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}";
/** "and/or", "km/h". */
export const slashed = `${slashPart}(?:\\\\?/${slashPart}){1,2}`;
/** "AT&T", "R&B". */
export const company = `[A-Z]+(?:(?:&${anyCase("amp")};|[+&])[A-Z]+)+`;

/** "U.S", "a.m", without the last full stop. */
export const acronym = `(?:${initials}|${oneOf(lexicon.beforeUS)}-[uU]\\.[sS])`;

const tagName = "[A-Za-z][A-Za-z0-9_:.\\-]*";
const attribute = ` +${tagName}(?: *= *(?:"[^"]*"|'[^']*'))?`;
/** A tag of HTML, XML or SGML. */
export const tag = `(?:<[!?][A-Za-z\\-][^>\\r\\n]*>|</${tagName} *>|<${tagName}(?:${attribute})* *(?:/ *)?>)`;

/** After an abbreviation: the sentence ends here. */
export const sentenceEnd = `${anySpace}(?:${anySpace}|[${sentenceStart}]|${tag})`;
const opener = lexicon.openers
  .replaceAll(".", "\\.")
  .split(" ")
  .map((one) => one.slice(0, 1) + anyCase(one.slice(1)))
  .join("|");
/** After an acronym: the next sentence starts here. */
export const opening = `${anySpace}+(?:${opener}|${tag})${anySpace}`;

const stops = '\\t\\n\\f\\r "<>|()';
const noEnd = `[^${stops}.!?{},\\-]`;
export const url = `${anyCase("https")}?://[^${stops}{}]+${noEnd}`;
/** "www.a-b.de", "a.com". */
export const site =
  `(?:[wW]{3}\\.(?:[^${stops}.!?{},]+\\.)+[a-zA-Z]{2,4}|` +
  `(?:[^${stops}!$',\\-./0-9:;=?@A-Z[\\\\\\]^_\`{}]+\\.)+${oneOf(lexicon.topDomains)})`;
export const sitePath = `/[^${stops}]+${noEnd}`;
const host = `[^${stops}{}.\\u00a0]+`;
export const email = `(?:&${anyCase("lt")};|<)?[A-Za-z0-9][^${stops}{}\\u00a0]*@(?:${host}\\.)*${host}(?:&${anyCase("gt")};|>)?`;
export const fileName = `${wordPart}+(?:\\.${wordPart}+)*\\.${oneOf(lexicon.fileEndings)}`;

const gap = "[- \\u00a0]";
const lastDigits = `${d}{3,4}${gap}?${d}{3,5}`;
/** Telephone numbers: "(555) 123-4567", "+1 555 123 4567", "555.123.4567". */
export const phones = [
  `\\(${d}{2,3}\\)[ \\u00a0]?${lastDigits}`,
  `\\+{0,2}(?:${d}{2,4}${gap})?${d}{2,4}${gap}${lastDigits}`,
  `(?:\\+{0,2}${d}{2,4}\\.)?${d}{2,4}\\.${d}{3,4}\\.${d}{3,5}`,
];
/** "1/2", "2 1/2". */
export const fraction = `(?:${d}{1,4}${gap})?${d}{1,4}(?:\\\\?/|\\u2044)${d}{1,4}`;
export const date = `${d}{1,2}[-/]${d}{1,2}[-/]${d}{2,4}`;
