// `npm run world -- bootstrap`: makes the rows of the table, and the page with the table.
import { fileURLToPath } from "node:url";
import { Option, type Command } from "commander";
import { badOption } from "../errors.ts";
import { someOf } from "../work/within.ts";
import { blip } from "../work/program.ts";
import { writePage } from "./page.ts";
import { makeSeed } from "./run.ts";
import { defaultSamples, rowNames, rowOrder, settingsFor, type RowName } from "./settings.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const workFolder = path("../../work");
const resultsFolder = path("../../results/bootstrap");
const pagePath = path("../../../../docs/bootstrapping.md");

interface Flags {
  readonly seed: readonly number[];
  readonly rows: readonly RowName[];
  readonly samples: number;
  readonly threads?: number;
  readonly work: string;
  readonly results: string;
  readonly page: string;
}

const positive =
  (flag: string) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw badOption(flag, "a positive whole number", text);
  };

const seedsOf = (text: string): readonly number[] => text.split(",").map(positive("--seed"));

async function bootstrap(flags: Flags): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const { rows, work, results, threads } = flags;
  const settings = settingsFor(flags.samples);
  for (const seed of flags.seed) await makeSeed({ seed, rows, settings, work, results, threads, say }, blip);
  writePage(flags.page, results);
}

export function addBootstrap(program: Command): void {
  program
    .command("bootstrap")
    .description("make the missing rows of docs/bootstrapping.md, then write its tables")
    .addOption(
      new Option("--seed <LIST>", "seeds, separated by commas").argParser(seedsOf).default([1, 2, 3]),
    )
    .addOption(
      new Option("--rows <LIST>", `rows, separated by commas: ${rowNames.join(", ")}`)
        .argParser(someOf("--rows", rowNames))
        .default(rowOrder),
    )
    .addOption(
      new Option("--samples <N>", "samples per pre-training; each number needs its own folder of results")
        .argParser(positive("--samples"))
        .default(defaultSamples),
    )
    .addOption(
      new Option("--threads <N>", "threads of the engine (default: one per core)").argParser(
        positive("--threads"),
      ),
    )
    .option("--work <DIR>", "data and runs, 300 MB per seed", workFolder)
    .option("--results <DIR>", "results, one file per row and seed", resultsFolder)
    .option("--page <FILE>", "page with the tables", pagePath)
    .action(bootstrap);
  program
    .command("bootstrap-page")
    .description("write the tables of docs/bootstrapping.md from the existing results")
    .option("--results <DIR>", "results, one file per row and seed", resultsFolder)
    .option("--page <FILE>", "page with the tables", pagePath)
    .action(({ results, page }: Pick<Flags, "results" | "page">) => writePage(page, results));
}
