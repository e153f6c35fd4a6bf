// `blip verify MODEL`: checks a real checkpoint against published results; `--all`: checks every published one.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type VerifyReport,
  type VerifyRow,
  publishedImages,
  publishedModels,
  verify,
  verifyAll,
} from "blip-ts";
import type { Command } from "commander";
import {
  adapterOption,
  addSourceOptions,
  deviceOption,
  maxPixelsOption,
  profileOption,
  profilePrinter,
  threadsOption,
  warner,
  type ModelFlags,
  type SourceFlags,
} from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar, type Progress } from "../progress.ts";
import { rowPrinter } from "../rows.ts";
import { tableLines } from "../table.ts";
import { print, type Terminal, typed } from "../terminal.ts";
import { badFlag, excludedFlags } from "../errors.ts";

interface VerifyFlags extends SourceFlags {
  readonly images?: string;
  readonly fetch?: boolean;
  readonly as?: string;
  readonly adapter?: string;
  readonly threads?: number;
  readonly device: ModelFlags["device"];
  readonly profile?: string;
  readonly allowPrivateRedirects?: boolean;
  readonly maxPixels?: number;
  readonly jsonl?: boolean;
  readonly all?: boolean;
}

/** Returns an image's path in the given folder, or its address if it may be fetched. */
const imageIn =
  ({ images, fetch }: VerifyFlags) =>
  async (name: string): Promise<string | undefined> => {
    const place = images === undefined ? undefined : join(images, name);
    if (place !== undefined && (await stat(place).catch(() => undefined)) !== undefined) return place;
    return fetch === true ? publishedImages[name] : undefined;
  };

/** @throws {UsageError} `usage/bad-option` */
async function checkFolder(images: string): Promise<void> {
  const found = await stat(images).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw badFlag(
      `--images ${images}`,
      "a folder with the samples' images",
      "none there",
      "Name that folder.",
    );
}

/** The options shared by the verification of one model and of all models. */
function callOptions(flags: VerifyFlags, terminal: Terminal, progress: Progress) {
  const { offline, allowPrivateRedirects, threads, device, profile, maxPixels } = flags;
  return {
    ...{ offline, allowPrivateRedirects, threads, device, profile, maxPixels },
    onProfile: profilePrinter(terminal),
    imageOf: imageIn(flags),
    signal: terminal.signal,
    onWarning: warner(flags, terminal),
    onProgress: loadProgress(progress, terminal, flags.quiet),
  };
}

/** Uses the command's option names in the reason of a skipped or failed row. A model's own output does not change. */
const withTypedReason = (terminal: Terminal, row: VerifyRow): VerifyRow =>
  row.verdict === "skipped" || row.verdict === "failed" ? { ...row, found: typed(terminal, row.found) } : row;

/** Uses the command's option names in a report. */
const withTypedReasons = (terminal: Terminal, report: VerifyReport): VerifyReport => ({
  ...report,
  models: report.models.map((model) => ({
    ...model,
    rows: model.rows.map((row) => withTypedReason(terminal, row)),
    ...(model.error && { error: { ...model.error, message: typed(terminal, model.error.message) } }),
  })),
});

async function run(model: string, flags: VerifyFlags, terminal: Terminal): Promise<number> {
  if (flags.images !== undefined) await checkFolder(flags.images);
  const progress = progressBar(terminal, flags.quiet);
  const { textHeads, revision, as, adapter } = flags;
  const rows = rowPrinter<VerifyRow>(terminal, flags, (all) =>
    tableLines(
      ["verdict", "sample", "expected", "found", "published in"],
      all.map(({ verdict, sample, expected, found, source }) => [verdict, sample, expected, found, source]),
      0,
    ),
  );
  try {
    const counts = { equal: 0, different: 0, skipped: 0, checked: 0, failed: 0 };
    const results = verify(model, {
      ...callOptions(flags, terminal, progress),
      ...{ textHeads, revision, as, adapter },
      onSample: ({ done, total }) => progress.update("samples", done, total),
    });
    for await (const row of results) {
      rows.add(withTypedReason(terminal, row));
      counts[row.verdict]++;
    }
    rows.end();
    if (counts.skipped > 0 && flags.quiet !== true)
      print(
        terminal.stderr,
        `${counts.skipped} of the samples could not be run: give their images with --images DIR, or let --fetch fetch them`,
      );
    // A sample that was not run is not verified.
    return counts.different + counts.skipped + counts.failed > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

/** A row per model, and the verdict on the text heads. */
function* reportLines({ models, textHeads, version }: VerifyReport): Generator<string> {
  yield* tableLines(
    ["verdict", "model", "rows", "what is not equal or checked"],
    models.map(({ verdict, model, rows, error }) => [
      verdict,
      model,
      String(rows.length),
      error?.message ??
        rows
          .filter((row) => row.verdict !== "equal" && row.verdict !== "checked")
          .map((row) => `${row.sample}: ${row.found}`)
          .join("\n"),
    ]),
    0,
  );
  const tried = textHeads.tried.map(
    ({ heads, right, margin }) => `${heads} heads rank ${right} of 12 right, margin ${margin.toFixed(3)}`,
  );
  const said =
    textHeads.verdict === undefined ? (textHeads.reason ?? "undecided") : `${textHeads.verdict} heads`;
  yield `Text heads of ${textHeads.model}: ${[said, ...tried].join("; ")}`;
  yield `blip-ts ${version}`;
}

async function runAll(flags: VerifyFlags, terminal: Terminal): Promise<number> {
  if (flags.images !== undefined) await checkFolder(flags.images);
  for (const option of ["as", "adapter", "textHeads", "revision"] as const)
    if (flags[option] !== undefined)
      throw excludedFlags(
        "--all",
        [`--${option === "textHeads" ? "text-heads" : option}`],
        "no option that is about one model",
      );
  const progress = progressBar(terminal, flags.quiet);
  try {
    const measured = await verifyAll({
      ...callOptions(flags, terminal, progress),
      onModel: ({ done, total }) => progress.update("models", done, total),
    });
    const report = withTypedReasons(terminal, measured);
    progress.stop();
    if (flags.json === true || flags.jsonl === true)
      print(terminal.stdout, JSON.stringify(report, undefined, flags.json === true ? 1 : undefined));
    else for (const line of reportLines(report)) print(terminal.stdout, line);
    const good = report.models.every(({ verdict }) => verdict === "equal" || verdict === "checked");
    return good && report.textHeads.verdict !== undefined ? exitCodes.done : exitCodes.failed;
  } finally {
    progress.stop();
  }
}

/** Verifies one model, or all models. @throws {UsageError} `usage/bad-option` */
function runOne(model: string | undefined, flags: VerifyFlags, terminal: Terminal): Promise<number> {
  if (flags.all === true && model === undefined) return runAll(flags, terminal);
  if (flags.all !== true && model !== undefined) return run(model, flags, terminal);
  throw badFlag("verify", "a model, or --all", model === undefined ? "neither" : "both", "Give one of them.");
}

export function addVerify(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("verify")
    .description(
      "the published samples of one of Salesforce's models: expected, found, verdict; another model is checked for what can be checked",
    )
    .argument("[model]", "a folder, a file or its URL, a suite, or a Hub id")
    .option(
      "--all",
      `all ${publishedModels.length} models on the Hub in one report, about 10 GB the first time`,
    )
    .option("--images <DIR>", `a folder with the samples' images: ${Object.keys(publishedImages).join(", ")}`)
    .option("--fetch", "fetch images that are not in that folder from their published addresses")
    .option("--as <NAME>", "which published model this is, if its name does not show it")
    .addOption(adapterOption())
    .addOption(deviceOption())
    .addOption(profileOption())
    .addOption(threadsOption())
    .addOption(maxPixelsOption())
    .option("--jsonl", "JSON rows, one per line, as they arrive");
  addSourceOptions(command).action(async (model: string | undefined, flags: VerifyFlags) =>
    finish(await runOne(model, flags, terminal)),
  );
}
