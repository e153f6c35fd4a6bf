// `blip ask IMAGE... -q QUESTION`: answers, generated freely or chosen from a list; `--pairs FILE`: one question per
// row.
import { must } from "@blip-ts/base";
import {
  type Answer,
  type AnswerRow,
  Answerer,
  type BlipError,
  type FailedRow,
  type VerbOptions,
} from "blip-ts";
import { Option, type Command } from "commander";
import { addImageOptions, anyNumber, collect, listOptions, type ImageFlags } from "../common-options.ts";
import { isNotFinite } from "../exit-codes.ts";
import {
  addGenerationOptions,
  generationConfig,
  generationOptions,
  type GenerationFlags,
} from "../generation-options.ts";
import { listImages } from "../list-images.ts";
import { checkEach, checkTexts, type ListedTexts, listOf, numbered, withTextNames } from "../list-texts.ts";
import {
  addPairsOptions,
  hasPairs,
  imagesOrPairs,
  needImages,
  printPairs,
  type PairForm,
  type PairsFlags,
} from "../pairs/index.ts";
import { printRows } from "../print-rows.ts";
import { requestRows } from "../request-rows.ts";
import type { Terminal } from "../terminal.ts";
import { needsFlag, noQuestions } from "../errors.ts";

interface AskFlags extends ImageFlags, GenerationFlags, PairsFlags {
  readonly question?: readonly string[];
  readonly answers?: string;
  readonly k?: number;
}

type Asked = readonly AnswerRow<string>[] | { readonly failure: unknown };

/**
 * The rows of an image: the rows of its questions in order.
 * @throws any error of a question except `model/not-finite`, and that error if all questions failed
 */
function rowsOf(
  image: string,
  questions: readonly string[],
  asked: readonly Asked[],
): (AnswerRow<string> | FailedRow<string>)[] {
  const failures = asked.flatMap((one) => ("failure" in one ? [one.failure] : []));
  for (const failure of failures) if (!isNotFinite(failure)) throw failure;
  const broken = failures.filter(isNotFinite);
  if (broken[0] && broken.length === asked.length) throw broken[0];
  return asked.flatMap((one, index): readonly (AnswerRow<string> | FailedRow<string>)[] => {
    if (!("failure" in one)) return one;
    const { code, message } = one.failure as BlipError;
    return [{ image, question: must(questions, index, "question"), error: { code, message } }];
  });
}

const pairs: PairForm = {
  images: 1,
  text: { name: "question", columns: ["question", "questions"], needed: true },
  results: ["answer", "tokens", "score"],
};

const verbOf = async (flags: AskFlags) => {
  const config = await generationConfig(flags);
  return {
    suggestion: "Salesforce/blip-vqa-capfilt-large",
    load: (source: string, options: VerbOptions) =>
      Answerer.fromPretrained(source, { ...options, generationConfig: config }),
    head: ["image", "question", "answer", "score"],
    numeric: 1,
  };
};

/** The answers of `--answers`; none without it. */
const listed = async (flags: AskFlags): Promise<ListedTexts> =>
  flags.answers === undefined
    ? numbered("answer", [])
    : listOf("--answers", flags.answers, "usage/no-answers");

/** The options of choosing an answer. */
const ranking = ({ texts }: ListedTexts, { answers, k }: AskFlags) => ({
  answers: answers === undefined ? undefined : texts,
  k,
});

async function runPairs(flags: AskFlags & { readonly pairs: string }, terminal: Terminal): Promise<number> {
  const answers = await listed(flags);
  const options = { ...generationOptions(flags), ...ranking(answers, flags) };
  const verb = await verbOf(flags);
  // A row's own fault is in its row, so an error about a text is about an answer.
  return withTextNames(answers, () =>
    printPairs<Answerer, Answer>(terminal, flags, {
      ...verb,
      form: pairs,
      rows: (answerer, source, call) => answerer.rows(source, { ...options, ...call }),
      cells: (images, question = "", { answer, score }) => [...images, question, answer, score.toFixed(3)],
    }),
  );
}

async function run(inputs: readonly string[], flags: AskFlags, terminal: Terminal): Promise<number> {
  if (flags.k !== undefined && flags.answers === undefined) throw needsFlag("-k", "--answers FILE");
  if (hasPairs(flags, { images: inputs, "-q": flags.question })) return runPairs(flags, terminal);
  needImages(inputs);
  const asked = checkTexts(numbered("question", flags.question ?? []));
  const questions = asked.texts;
  if (questions.length === 0) throw noQuestions();
  const answers = await listed(flags);
  const images = await listImages(inputs, terminal.stdin, listOptions(flags, terminal));
  const verb = await verbOf(flags);
  return withTextNames(answers, () =>
    printRows<AnswerRow<string>, Answerer>(terminal, flags, {
      ...verb,
      rows: (answerer, call) => {
        const generation = generationOptions(flags);
        const options = { ...generation, ...ranking(answers, flags) };
        // Check the call before reading any image. The questions come alone, so that the other errors are the answers'.
        checkEach(asked, (question) => answerer.check({ question }, generation));
        answerer.check({ question: must(questions, 0) }, options);
        return requestRows(
          images,
          {
            models: { answerer },
            each: questions.length,
            rowsOf: async (batched, image, signal) => {
              const settled = questions.map((question): Promise<Asked> =>
                batched
                  .ask(image, question, { ...options, signal, whenFull: "wait" })
                  .catch((failure: unknown) => ({ failure })),
              );
              return rowsOf(image, questions, await Promise.all(settled));
            },
          },
          call,
        );
      },
      lines: ({ image, question, answer, score }) => [[image, question, answer, score.toFixed(3)]],
    }),
  );
}

export function addAsk(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("ask")
    .description("answers to questions about images (VQA)")
    .argument(...imagesOrPairs)
    .addOption(new Option("-q, --question <TEXT>", "a question; may be given again").argParser(collect))
    .option(
      "--answers <FILE>",
      "answers to choose from, one per line or as a JSON array: the best one is given",
    )
    .addOption(
      new Option("-k <N>", "how many of --answers are ranked in full (default: 128)").argParser(
        anyNumber("-k"),
      ),
    );
  addPairsOptions(command, "{image, question}");
  addImageOptions(addGenerationOptions(command)).action(async (images: string[], flags: AskFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
