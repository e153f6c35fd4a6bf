// `npm run world -- judge`: the scores of a model on held-out scenes.
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { someOf, within } from "../work/within.ts";
import { readJson, writeJson, writeWhole } from "../work/files.ts";
import { withTables } from "../work/markdown.ts";
import { blip } from "../work/program.ts";
import { judge, table, type Judgement } from "./judge.ts";
import { judgedTaskNames, testSetNames, type JudgedTask, type TestSet } from "./tests.ts";

interface Flags {
  readonly sets: readonly TestSet[];
  readonly tasks: readonly JudgedTask[];
  readonly share: number;
  readonly blind?: boolean;
  readonly threads?: number;
  readonly work?: string;
  readonly out?: string;
}

async function run(model: string, { blind = false, threads, work, out, ...flags }: Flags): Promise<void> {
  const judgement = await judge(
    {
      ...{ ...flags, model, blind, threads },
      work: work ?? mkdtempSync(join(tmpdir(), "judge-")),
      say: (line) => void process.stderr.write(`${line}\n`),
    },
    blip,
  );
  if (out !== undefined) writeJson(out, judgement);
  process.stdout.write(`${table(judgement)}\n`);
}

/** Writes the table between the marks `scores` of each page. @throws {WorldError} `world/no-tables` */
export function writeCards(scores: string, pages: readonly string[], blind?: string): void {
  const read = (path: string) => readJson(path) as Judgement;
  const written = table(read(scores), blind === undefined ? undefined : read(blind));
  for (const page of pages) writeWhole(page, withTables(readFileSync(page, "utf8"), { scores: written }));
}

export function addCard(program: Command): void {
  program
    .command("card")
    .description("write the table of `judge --out` into pages, between <!-- scores --> and <!-- /scores -->")
    .argument("<scores>", "the JSON file of `judge --out`")
    .argument("<pages...>", "Markdown files, such as the model card")
    .option("--blind <FILE>", "the JSON file of a blind model, whose scores become further columns")
    .action((scores: string, pages: string[], { blind }: { readonly blind?: string }) =>
      writeCards(scores, pages, blind),
    );
}

export function addJudge(program: Command): void {
  program
    .command("judge")
    .description("score a model on held-out scenes with `blip eval`, and print a table")
    .argument("<model>", "a folder, a suite, or picture-book")
    .addOption(
      new Option("--sets <LIST>", `test sets, separated by commas: ${testSetNames.join(", ")}`)
        .argParser(someOf("--sets", testSetNames))
        .default(testSetNames),
    )
    .addOption(
      new Option("--tasks <LIST>", `tasks, separated by commas: ${judgedTaskNames.join(", ")}`)
        .argParser(someOf("--tasks", judgedTaskNames))
        .default(judgedTaskNames),
    )
    .addOption(
      new Option("--share <X>", "share of the scenes, for a quick look")
        .argParser(within("--share", "a number above 0, at most 1", (value) => value > 0 && value <= 1))
        .default(1),
    )
    .option("--blind", "every image is the same grey, for a model that is trained on such images")
    .addOption(
      new Option("--threads <N>", "threads of the engine (default: one per core)").argParser(
        within("--threads", "a positive whole number", (value) => Number.isSafeInteger(value) && value > 0),
      ),
    )
    .option("--work <DIR>", "folder for the tests' data, which later calls reuse (default: a new one)")
    .option("--out <FILE>", "the scores as JSON")
    .action(run);
}
