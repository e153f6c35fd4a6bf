// `blip eval TASK DATA...`: evaluates a model on a public data set, with one report.
import {
  type EvaluateOptions,
  type EvaluationReport,
  type EvaluationTask,
  evaluate,
  evaluationTasks,
  readAnswerList,
} from "blip-ts";
import { Argument, Option, type Command } from "commander";
import {
  addImageOptions,
  anyNumber,
  chooseModel,
  loadOptions,
  positiveInteger,
  type ImageFlags,
} from "../common-options.ts";
import { addDataOptions, readerOf, type DataFlags } from "../data-options.ts";
import { reportLines } from "../eval/report-lines.ts";
import { readThings } from "../eval/things.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  addGenerationOptions,
  generationConfig,
  generationOptions,
  type GenerationFlags,
} from "../generation-options.ts";
import { progressBar, type Progress } from "../progress.ts";
import { print, printLine, tell, type Terminal } from "../terminal.ts";
import { badFlag } from "../errors.ts";

interface EvalFlags extends ImageFlags, GenerationFlags, DataFlags {
  readonly out?: string;
  readonly restart?: boolean;
  readonly limit?: number;
  readonly k?: readonly number[];
  readonly statesCache?: number;
  readonly prompt?: string;
  readonly things?: string;
  readonly answers?: string;
  readonly submission?: string;
  readonly video?: boolean;
}

/** A suggested model for photographs, per task. */
const suggestions: Readonly<Record<EvaluationTask, string>> = {
  retrieval: "Salesforce/blip-itm-base-coco",
  match: "Salesforce/blip-itm-base-coco",
  caption: "Salesforce/blip-image-captioning-base",
  nocaps: "Salesforce/blip-image-captioning-base",
  vqa: "Salesforce/blip-vqa-capfilt-large",
  nlvr: "a folder with model_base_nlvr.pth",
};

/** The report's path; by default, for example, `eval-retrieval-flickr30k_test.json` in the current folder. */
function reportPath(task: EvaluationTask, data: readonly string[], { out }: EvalFlags): string {
  if (out !== undefined) return out;
  const names = data.flatMap((one) =>
    one
      .split(/[/\\]/)
      .filter((part) => part !== "")
      .slice(-1),
  );
  const first = names.find((name) => name !== ".") ?? "data";
  return `eval-${task}-${first.replace(/\.(?:jsonl?|csv|tsv|parquet|tar)$/i, "")}.json`;
}

const labels = {
  data: "rows read",
  texts: "texts",
  images: "images",
  pairs: "images re-ranked",
  rows: "rows",
};

/** Shows the progress of each step, with the remaining time. */
const onStep =
  (progress: Progress): NonNullable<EvaluateOptions["onStep"]> =>
  ({ step, done, total }) => {
    if (total !== undefined) progress.update(labels[step], done, total);
  };

async function optionsOf(
  task: EvaluationTask,
  data: readonly string[],
  flags: EvalFlags,
  terminal: Terminal,
  progress: Progress,
): Promise<EvaluateOptions> {
  const { restart, limit, k, statesCache, prompt, things, answers, submission, batchSize } = flags;
  return {
    ...loadOptions(flags, terminal, progress),
    ...generationOptions(flags),
    generationConfig: await generationConfig(flags),
    ...{ restart, limit, k, statesCache, prompt, submission, imageBatchSize: batchSize },
    ...(things === undefined ? {} : { things: await readThings(things) }),
    ...(answers === undefined ? {} : { answers: await readAnswerList(answers) }),
    model: chooseModel(flags, terminal, suggestions[task]),
    report: reportPath(task, data, flags),
    onStep: onStep(progress),
    onFailed: ({ place, message }) => {
      if (flags.quiet === true) return;
      // The bar reappears below the message.
      progress.stop();
      tell(terminal, message.startsWith(place) ? message : `${place}: ${message}`);
    },
  };
}

function show(report: EvaluationReport, path: string, flags: EvalFlags, terminal: Terminal): void {
  if (flags.json === true || flags.jsonl === true)
    print(terminal.stdout, JSON.stringify(report, undefined, flags.json === true ? 1 : undefined));
  else for (const line of reportLines(report)) print(terminal.stdout, line);
  if (flags.quiet !== true)
    printLine(terminal.stderr, `Report in ${path}, with ${report.files.join(", ")} beside it`);
}

async function run(
  task: EvaluationTask,
  data: readonly string[],
  flags: EvalFlags,
  terminal: Terminal,
): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  try {
    const options = await optionsOf(task, data, flags, terminal, progress);
    const report = await evaluate(
      task,
      { path: data, ...readerOf(flags, data), video: flags.video },
      options,
    );
    progress.stop();
    show(report, options.report ?? "", flags, terminal);
    return report.failed.count > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

const wholeFromZero = (name: string) => (text: string, before: readonly number[] | undefined) => {
  const value = anyNumber(name)(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw badFlag(name, "a whole number of at least 0", `"${text}"`);
  return [...(before ?? []), value];
};

export function addEval(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("eval")
    .description("evaluate a model on a public data set: retrieval, captions, questions, statements, matches")
    .addArgument(new Argument("<task>", "the task").choices(evaluationTasks))
    .argument("<data...>", "a file or folder; several are read one after another")
    .option(
      "--out <FILE>",
      "the report; finished rows are kept beside it, and the same call continues from them (default: eval-TASK-DATA.json)",
    )
    .option("--restart", "discard the rows of an earlier run")
    .addOption(new Option("--limit <N>", "only the first N rows").argParser(positiveInteger("--limit")))
    .addOption(
      new Option(
        "-k <N>",
        "retrieval: how many of each ranking ITM re-ranks; may be given again (default: 128 and 256; 0: cosine only). vqa: how many of --answers are ranked in full (default: 128)",
      ).argParser(wholeFromZero("-k")),
    )
    .addOption(
      new Option(
        "--states-cache <GB>",
        "retrieval: gigabytes on disk for image states, so that images are encoded once (default: 0)",
      ).argParser(anyNumber("--states-cache")),
    )
    .option("--prompt <TEXT>", "caption, nocaps: beginning of captions")
    .option("--things <FILE>", "caption, nocaps: a JSON list of things whose naming is scored")
    .option("--answers <FILE>", "vqa: answers to choose from, a JSON list (answer_list.json)")
    .option("--submission <FILE>", "caption, nocaps, vqa: a file for the data set's server");
  addDataOptions(command).option("--video", "retrieval: clips by folders of frames (MSRVTT)");
  addImageOptions(addGenerationOptions(command)).action(
    async (task: EvaluationTask, data: string[], flags: EvalFlags) =>
      finish(await run(task, data, flags, terminal)),
  );
}
