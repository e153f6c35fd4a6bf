// `blip match IMAGE... -t TEXT...`: every image with every text.
import { readFile } from "node:fs/promises";
import { Matcher, UsageError, type FailedRow, type MatchRow } from "blip-ts";
import { Option, type Command } from "commander";
import { addModelOptions, chooseModel, positiveInteger, warner, type ModelFlags } from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { listImages } from "../list-images.ts";
import { downloadProgress, progressBar } from "../progress.ts";
import { rowPrinter, table } from "../rows.ts";
import { print, type Terminal } from "../terminal.ts";

interface MatchFlags extends ModelFlags {
  readonly text?: readonly string[];
  readonly texts?: string;
  readonly batchSize?: number;
}

type Row = MatchRow<string> | FailedRow<string>;

const collect = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];

async function listTexts(flags: MatchFlags): Promise<string[]> {
  const texts = [...(flags.text ?? [])];
  if (flags.texts !== undefined) {
    const file = flags.texts;
    const content = await readFile(file, "utf8").catch((error: unknown) => {
      throw new UsageError(
        "usage/no-texts",
        `--texts ${file}: ${error instanceof Error ? error.message : ""}`,
      );
    });
    texts.push(...content.split(/\r?\n/).filter((line) => line.trim() !== ""));
  }
  if (texts.length === 0)
    throw new UsageError(
      "usage/no-texts",
      "no text to match: give -t TEXT, or --texts FILE with a text a line",
    );
  texts.forEach((text, index) => {
    if (text.trim() === "") throw new UsageError("text/empty", `text ${index + 1} is empty: give a sentence`);
  });
  return texts;
}

const failed = (row: Row): row is FailedRow<string> => "error" in row;

function toTable(rows: readonly Row[]): string {
  return table(
    ["image", "text", "match", "cosine"],
    rows.map((row) =>
      failed(row)
        ? [row.image, `(${row.error.code})`, "-", "-"]
        : [row.image, row.text, `${(row.probability * 100).toFixed(1)} %`, row.cosine.toFixed(3)],
    ),
    2,
  );
}

async function run(given: readonly string[], flags: MatchFlags, terminal: Terminal): Promise<number> {
  const { signal } = terminal;
  const texts = await listTexts(flags);
  const images = await listImages(given, terminal.stdin);
  const progress = progressBar(terminal, flags.quiet);
  try {
    const { compat, textHeads, orientation, revision, offline, threads } = flags;
    await using matcher = await Matcher.fromPretrained(chooseModel(flags, terminal), {
      ...{ compat, textHeads, orientation, revision, offline, threads, signal },
      onWarning: warner(flags, terminal),
      onProgress: downloadProgress(progress),
    });
    const rows = rowPrinter<Row>(terminal, flags, toTable);
    let failures = 0;
    const options = {
      signal,
      imageBatchSize: flags.batchSize,
      onProgress: ({ done, total }: { done: number; total: number }) =>
        progress.update("images", done, total),
    };
    for await (const row of matcher.match(images, texts, options)) {
      rows.add(row);
      if (!failed(row)) continue;
      failures++;
      if (flags.quiet !== true) print(terminal.stderr, `${row.image}: ${row.error.message}`);
    }
    rows.end();
    return failures > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addMatch(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("match")
    .description(
      "how well texts fit images: ITM logits, probability and cosine of every image with every text",
    )
    .argument("<image...>", "files, folders, patterns, URLs, or - for a list on standard input")
    .addOption(new Option("-t, --text <TEXT>", "a text; may be given again").argParser(collect))
    .option("--texts <FILE>", "a file with a text a line");
  addModelOptions(command)
    .addOption(
      new Option("--batch-size <N>", "images at a time (default: 4)").argParser(
        positiveInteger("--batch-size"),
      ),
    )
    .action(async (images: string[], flags: MatchFlags) => finish(await run(images, flags, terminal)));
}
