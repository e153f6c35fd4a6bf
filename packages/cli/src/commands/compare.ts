// `blip compare LEFT RIGHT -s STATEMENT`: is a statement about two images true?
import { Comparer, UsageError, type CompareRow } from "blip-ts";
import { Option, type Command } from "commander";
import { addModelOptions, collect, type ModelFlags } from "../common-options.ts";
import { checkTexts } from "../list-texts.ts";
import { percent, printRows } from "../print-rows.ts";
import type { Terminal } from "../terminal.ts";

interface CompareFlags extends ModelFlags {
  readonly statement?: readonly string[];
}

async function run(
  images: readonly [string, string],
  flags: CompareFlags,
  terminal: Terminal,
): Promise<number> {
  const statements = checkTexts("statement", flags.statement ?? []);
  if (statements.length === 0)
    throw new UsageError("usage/no-statements", "no statement is given: give -s STATEMENT");
  return printRows<CompareRow<string>, Comparer>(terminal, flags, {
    suggestion: "model_base_nlvr.pth",
    load: (source, options) => Comparer.fromPretrained(source, options),
    rows: (comparer, { signal }) => comparer.compare(images, statements, { signal }),
    head: ["statement", "label", "probability"],
    numeric: 1,
    lines: ({ statement, label, probability }) => [[statement, String(label), percent(probability)]],
  });
}

export function addCompare(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("compare")
    .description("is a statement about two images true? (NLVR2)")
    .argument("<left>", "the left image: a file or a URL")
    .argument("<right>", "the right image")
    .addOption(new Option("-s, --statement <TEXT>", "a statement; may be given again").argParser(collect));
  addModelOptions(command).action(async (left: string, right: string, flags: CompareFlags) =>
    finish(await run([left, right], flags, terminal)),
  );
}
