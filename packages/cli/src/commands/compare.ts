// `blip compare LEFT RIGHT -s STATEMENT`: judges a statement about two images; `--pairs FILE`: one statement per row.
import { type CompareAnswer, type CompareRow, Comparer, type VerbOptions } from "blip-ts";
import { Option, type Command } from "commander";
import { addModelOptions, collect, type ModelFlags } from "../common-options.ts";
import { checkTexts, numbered, withTextNames } from "../list-texts.ts";
import { addPairsOptions, hasPairs, printPairs, type PairForm, type PairsFlags } from "../pairs/index.ts";
import { percent, printRows } from "../print-rows.ts";
import type { Terminal } from "../terminal.ts";
import { noImages, noStatements } from "../errors.ts";

interface CompareFlags extends ModelFlags, PairsFlags {
  readonly statement?: readonly string[];
}

const pairs: PairForm = {
  images: 2,
  text: { name: "statement", columns: ["statement", "statements", "sentence"], needed: true },
  results: ["label", "probability"],
};

const verb = {
  suggestion: "model_base_nlvr.pth",
  load: (source: string, options: VerbOptions) => Comparer.fromPretrained(source, options),
  numeric: 1,
};

async function run(
  left: string | undefined,
  right: string | undefined,
  flags: CompareFlags,
  terminal: Terminal,
): Promise<number> {
  if (hasPairs(flags, { images: left, "-s": flags.statement }))
    return printPairs<Comparer, CompareAnswer>(terminal, flags, {
      ...verb,
      form: pairs,
      rows: (comparer, source, call) => comparer.rows(source, call),
      head: ["left", "right", "statement", "label", "probability"],
      cells: (images, statement = "", { label, probability }) => [
        ...images,
        statement,
        String(label),
        percent(probability),
      ],
    });
  if (left === undefined || right === undefined)
    throw noImages("two", "Give LEFT and RIGHT, or rows by --pairs FILE.");
  const images = [left, right] as const;
  const listed = checkTexts(numbered("statement", flags.statement ?? []));
  const statements = listed.texts;
  if (statements.length === 0) throw noStatements();
  return withTextNames(listed, () =>
    printRows<CompareRow<string>, Comparer>(terminal, flags, {
      ...verb,
      rows: (comparer, { signal }) => comparer.compare(images, statements, { signal }),
      head: ["statement", "label", "probability"],
      lines: ({ statement, label, probability }) => [[statement, String(label), percent(probability)]],
    }),
  );
}

export function addCompare(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("compare")
    .description("is a statement about two images true? (NLVR2)")
    .argument("[left]", "the left image: a file or a URL")
    .argument("[right]", "the right image")
    .addOption(new Option("-s, --statement <TEXT>", "a statement; may be given again").argParser(collect));
  addPairsOptions(command, "{images: [left, right], statement}, or {left, right, statement}");
  addModelOptions(command).action(
    async (left: string | undefined, right: string | undefined, flags: CompareFlags) =>
      finish(await run(left, right, flags, terminal)),
  );
}
