// `blip ask IMAGE... -q QUESTION`: answers, said freely or chosen from a list.
import { Answerer, UsageError, type AnswerRow } from "blip-ts";
import { Option, type Command } from "commander";
import {
  addPictureOptions,
  anyNumber,
  collect,
  imagesArgument,
  type PictureFlags,
} from "../common-options.ts";
import { addGenerationOptions, generationOptions, type GenerationFlags } from "../generation-options.ts";
import { listImages } from "../list-images.ts";
import { checkTexts, listOf } from "../list-texts.ts";
import { printRows } from "../print-rows.ts";
import { requestRows } from "../request-rows.ts";
import type { Terminal } from "../terminal.ts";

interface AskFlags extends PictureFlags, GenerationFlags {
  readonly question?: readonly string[];
  readonly answers?: string;
  readonly k?: number;
}

async function run(given: readonly string[], flags: AskFlags, terminal: Terminal): Promise<number> {
  const questions = checkTexts("question", flags.question ?? []);
  if (questions.length === 0)
    throw new UsageError("usage/no-questions", "no question is given: give -q QUESTION");
  if (flags.k !== undefined && flags.answers === undefined)
    throw new UsageError(
      "usage/bad-option",
      "-k says how many of a list are ranked: give --answers FILE with it",
    );
  const answers =
    flags.answers === undefined ? undefined : await listOf("--answers", flags.answers, "usage/no-answers");
  const images = await listImages(given, terminal.stdin);
  return printRows<AnswerRow<string>, Answerer>(terminal, flags, {
    suggestion: "Salesforce/blip-vqa-capfilt-large",
    load: (source, options) => Answerer.fromPretrained(source, options),
    rows: (answerer, call) => {
      const options = { ...generationOptions(flags), answers, k: flags.k };
      // What is wrong with the call is found before any picture is read.
      answerer.check(questions, options);
      return requestRows(
        images,
        {
          models: { answerer },
          each: questions.length,
          rowsOf: async (batched, image, signal) => {
            const asked = questions.map((question) =>
              batched.ask(image, question, { ...options, signal, whenFull: "wait" }),
            );
            return (await Promise.all(asked)).flat();
          },
        },
        call,
      );
    },
    head: ["image", "question", "answer", "score"],
    numeric: 1,
    lines: ({ image, question, answer, score }) => [[image, question, answer, score.toFixed(3)]],
  });
}

export function addAsk(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("ask")
    .description("answers to questions about images (VQA)")
    .argument(...imagesArgument)
    .addOption(new Option("-q, --question <TEXT>", "a question; may be given again").argParser(collect))
    .option("--answers <FILE>", "answers to choose from, a line each or as a JSON array: the best is ranked")
    .addOption(
      new Option("-k <N>", "how many of --answers are ranked in full (default: 128)").argParser(
        anyNumber("-k"),
      ),
    );
  addPictureOptions(addGenerationOptions(command)).action(async (images: string[], flags: AskFlags) =>
    finish(await run(images, flags, terminal)),
  );
}
