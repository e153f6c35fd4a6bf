// The accuracy of VQA v2 (Antol et al. 2015, Goyal et al. 2017), computed as in the official evaluation and LAVIS's
// vqa_eval.py.
import { must } from "@blip-ts/base";
import { nothingIn } from "./errors.ts";
import { mean } from "./numbers.ts";
import { splitWords, trim } from "./python-text.ts";

/** A question with the model's answer and the people's answers. */
export interface VqaQuestion {
  /** The model's answer. */
  readonly answer: string;
  /** People's answers, ten in VQA v2. Every answer counts, even if some are equal. */
  readonly answers: readonly string[];
  /** "yes/no", "number" or "other" in VQA v2. */
  readonly answerType?: string;
  /** The question's first words, such as "how many". */
  readonly questionType?: string;
}

/** Accuracy on VQA, in percent (Antol et al., 2015). */
export interface VqaMetrics {
  /** The mean accuracy over all questions, in percent. */
  readonly overall: number;
  /**
   * The share of questions whose answer equals one of the people's answers, all of them fully normalized, in percent. It
   * suits data with one answer per question (GQA), where `overall` is always 0.
   */
  readonly exactMatch: number;
  /** The accuracy by answer type, in percent. Questions without a type belong to no group. */
  readonly byAnswerType: Readonly<Record<string, number>>;
  /** The accuracy by question type, in percent. */
  readonly byQuestionType: Readonly<Record<string, number>>;
  /** The accuracy of each question, in percent. */
  readonly each: readonly number[];
}

/** The punctuation marks. Each is deleted or replaced by a space, in this order. */
const punctuation = '; / [ ] " { } ( ) = + \\ _ - > < @ ` , ? !'.split(" ");

const numberWords: Readonly<Record<string, string>> = Object.fromEntries(
  "none zero one two three four five six seven eight nine ten"
    .split(" ")
    .map((word, index) => [word, String(Math.max(0, index - 1))]),
);

const articles = new Set(["a", "an", "the"]);

/** Contractions. If a word lacks one of their apostrophes, the apostrophe is restored. */
const contractions =
  "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've " +
  "he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've " +
  "o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's " +
  "someone'd someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've " +
  "there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's " +
  "what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've " +
  "wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've";

/**
 * Maps contractions that lack one apostrophe to the full contractions. For "somebody'd", the reference implementation
 * removes the apostrophe instead.
 */
const repaired = new Map<string, string>([["somebody'd", "somebodyd"]]);
for (const word of contractions.split(" "))
  for (const { index } of word.matchAll(/'/g))
    repaired.set(word.slice(0, index) + word.slice(index + 1), word);

/** The reference implementation passes a flag, whose value is 32, as Python's number of replacements. */
const fullStopsRemoved = 32;

/**
 * Applies only the punctuation rule. Each of 21 marks is deleted if it is next to a space anywhere in the answer, or if
 * the answer has a comma between digits; otherwise it becomes a space. Then the first 32 full stops without a following
 * digit are removed.
 */
function withoutPunctuation(answer: string): string {
  const commaInNumber = /\p{Nd},\p{Nd}/u.test(answer);
  let text = answer;
  for (const mark of punctuation) {
    const deleted = commaInNumber || answer.includes(`${mark} `) || answer.includes(` ${mark}`);
    text = text.replaceAll(mark, deleted ? "" : " ");
  }
  let stops = 0;
  return text.replace(/\.(?!\p{Nd})/gu, (stop) => (stops++ < fullStopsRemoved ? "" : stop));
}

/**
 * Normalizes a model's answer as the evaluation does. Line breaks and tabs become spaces; punctuation is removed;
 * letters become lower case; number words (none, and zero to ten) become digits; articles are removed; contractions get
 * their apostrophe ("dont").
 * @source LAVIS lavis/common/vqa_tools/vqa_eval.py, processPunctuation and processDigitArticle, with their quirks
 */
export function normalizeVqaAnswer(answer: string): string {
  const text = withoutPunctuation(trim(answer.replace(/[\n\t]/g, " ")));
  return splitWords(text.toLowerCase())
    .map((word) => (Object.hasOwn(numberWords, word) ? (numberWords[word] ?? word) : word))
    .filter((word) => !articles.has(word))
    .map((word) => repaired.get(word) ?? word)
    .join(" ");
}

/**
 * Computes the mean of leave-one-out votes. A person's vote is a third of the number of other people who gave the
 * model's answer, at most 1.
 */
function accuracy({ answer, answers }: VqaQuestion): number {
  const unanimous = new Set(answers).size === 1;
  const given = unanimous ? answers : answers.map(withoutPunctuation);
  const normalized = normalizeVqaAnswer(answer);
  const matches = given.map((one) => one === normalized);
  const total = matches.filter(Boolean).length;
  return mean(matches.map((match) => Math.min(1, (total - Number(match)) / 3)));
}

const matchesExactly = ({ answer, answers }: VqaQuestion): boolean =>
  new Set(answers.map(normalizeVqaAnswer)).has(normalizeVqaAnswer(answer));

function byType(values: readonly number[], types: readonly (string | undefined)[]): Record<string, number> {
  const groups = new Map<string, number[]>();
  for (const [index, type] of types.entries()) {
    if (type === undefined) continue;
    const group = groups.get(type) ?? [];
    group.push(must(values, index));
    groups.set(type, group);
  }
  return Object.fromEntries([...groups].map(([type, group]) => [type, mean(group)]));
}

/**
 * Computes VQA accuracy = 100 mean over questions of mean over people p of min(1, |{people other than p who gave the
 * answer}| / 3), in percent, unrounded (the reference implementation rounds to 2 decimals). The model's answer is fully
 * normalized (`normalizeVqaAnswer`). People's answers only lose their punctuation, and only if they are not all equal.
 * @throws {UsageError} `usage/bad-option` if there is no question, or a question has no people's answers
 * @source LAVIS lavis/common/vqa_tools/vqa_eval.py; GT-Vision-Lab/VQA vqaEval.py
 */
export function vqaAccuracy(questions: readonly VqaQuestion[]): VqaMetrics {
  if (questions.length === 0) throw nothingIn("questions", "question");
  for (const [index, { answers }] of questions.entries())
    if (answers.length === 0) throw nothingIn(`questions[${index}].answers`, "answer");
  const each = questions.map((question) => 100 * accuracy(question));
  return {
    overall: mean(each),
    exactMatch: (100 * questions.filter(matchesExactly).length) / questions.length,
    byAnswerType: byType(
      each,
      questions.map(({ answerType }) => answerType),
    ),
    byQuestionType: byType(
      each,
      questions.map(({ questionType }) => questionType),
    ),
    each,
  };
}
