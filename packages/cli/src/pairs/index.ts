// `--pairs FILE`: runs a verb on the rows of a file, in order, instead of on combinations of its arguments.
import { type Closable, shownDataUrl } from "@blip-ts/base";
import { type RowError, type RowsOptions, type VerbOptions } from "blip-ts";
import { Option, type Command } from "commander";
import { imagesArgument, positiveInteger, type ImageFlags } from "../common-options.ts";
import { printRows } from "../print-rows.ts";
import type { Terminal } from "../terminal.ts";
import { PairRow, type Pair, type PairForm, type PairRequest } from "./pair-request.ts";
import { openPairs } from "./read-requests.ts";
import { badFlag, excludedFlags, needsFlag, noImages } from "../errors.ts";

export type { PairForm } from "./pair-request.ts";

export interface PairsFlags {
  readonly pairs?: string;
  readonly window?: number;
}

/** Options of every call for rows. */
interface PairsCall extends RowsOptions {
  readonly imageBatchSize: number | undefined;
  readonly signal: AbortSignal;
}

/** A verb's answer to a request. */
type AnsweredPair<Answer> =
  (Answer & { readonly pair: Pair }) | { readonly pair: Pair; readonly error: RowError };

export interface PairsVerb<Model extends Closable, Answer extends object> {
  readonly form: PairForm;
  /** The text for rows that have none. */
  readonly otherText?: string | undefined;
  /** A suggested model that does the verb's task on photographs. */
  readonly suggestion: string;
  readonly load: (source: string, options: VerbOptions) => Promise<Model>;
  readonly rows: (
    model: Model,
    source: AsyncIterable<PairRequest>,
    call: PairsCall,
  ) => AsyncIterable<AnsweredPair<Answer>>;
  /** The table for people: the columns, the number of numeric columns at the end, and the cells of a row. */
  readonly head: readonly string[];
  readonly numeric: number;
  readonly cells: (images: readonly string[], text: string | undefined, answer: Answer) => readonly string[];
}

/** The maximum number of rows in a window. Each row has at most a megabyte. */
const widestWindow = 100_000;

function windowOf(text: string): number {
  const rows = positiveInteger("--window")(text);
  if (rows <= widestWindow) return rows;
  throw badFlag("--window", `at most ${widestWindow}`, text);
}

const isGiven = (value: unknown): boolean =>
  value !== undefined && !(Array.isArray(value) && value.length === 0);

/**
 * Whether the verb runs on rows.
 * @param beside arguments that rows replace: images, texts
 * @throws {UsageError} `usage/bad-option` if one of them is also given, or `--window` without rows
 */
export function hasPairs<Flags extends PairsFlags>(
  flags: Flags,
  beside: Readonly<Record<string, unknown>>,
): flags is Flags & { readonly pairs: string } {
  if (flags.pairs === undefined) {
    if (flags.window === undefined) return false;
    throw needsFlag("--window", "--pairs FILE");
  }
  const names = Object.keys(beside).filter((name) => isGiven(beside[name]));
  if (names.length === 0) return true;
  throw excludedFlags("--pairs", names, "images and texts in its rows alone");
}

/** Prints rows for people and for programs. @returns the exit code */
export async function printPairs<Model extends Closable, Answer extends object>(
  terminal: Terminal,
  flags: ImageFlags & PairsFlags & { readonly pairs: string },
  { form, otherText, suggestion, load, rows, head, numeric, cells }: PairsVerb<Model, Answer>,
): Promise<number> {
  const opened = await openPairs(flags.pairs, form, terminal, otherText);
  try {
    return await printRows<PairRow<Answer>, Model>(terminal, flags, {
      suggestion,
      load,
      rows: (model, { imageBatchSize, signal = terminal.signal }) =>
        pairRows(rows(model, opened.requests, { imageBatchSize, signal, window: flags.window })),
      failureOf: (row) =>
        row instanceof PairRow && row.error
          ? { subject: row.pair.images.map(shownDataUrl).join(" ") || row.pair.place, ...row.error }
          : undefined,
      head,
      numeric,
      lines: ({ pair, answer }) => (answer ? [cells(pair.images, pair.text, answer)] : []),
    });
  } finally {
    await opened.close();
  }
}

async function* pairRows<Answer extends object>(
  rows: AsyncIterable<AnsweredPair<Answer>>,
): AsyncGenerator<PairRow<Answer>, void, undefined> {
  for await (const { pair, ...found } of rows)
    // `found` has the answer's or the error's fields only: a row's other fields are not own properties.
    yield new PairRow(pair, found as unknown as Answer);
}

/** Image arguments, which rows can replace. */
export const imagesOrPairs = ["[image...]", imagesArgument[1]] as const;

/** @throws {UsageError} `usage/no-images` if there are neither images nor rows */
export function needImages(inputs: readonly unknown[]): void {
  if (inputs.length === 0)
    throw noImages("at least one", "Give files, folders, patterns, URLs or -, or rows by --pairs FILE.");
}

/** @param rows the form of a row, for the help */
export const addPairsOptions = (command: Command, rows: string): Command =>
  command
    .option(
      "--pairs <FILE>",
      `rows instead of images and texts: JSON lines, a JSON array, CSV or TSV, or - for standard input; each is ${rows}`,
    )
    .addOption(
      new Option(
        "--window <N>",
        "with --pairs: rows that are read ahead and answered together, within which an image is read once (default: 64)",
      ).argParser(windowOf),
    )
    .addHelpText(
      "after",
      [
        "",
        "Rows of --pairs: image paths start at the file's folder (on standard input: at the current folder), unless they",
        "are absolute or URLs. Rows keep their order; a wrong row has its error, and the others continue (exit code 1). Other",
        "fields are passed through; those that have the name of a result stand in `row`. With --jsonl rows are printed as",
        "they come, in bounded memory.",
      ].join("\n"),
    );
