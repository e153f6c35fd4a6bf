// `blip verify MODEL`: does a real checkpoint say what was published of it?
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { publishedPictures, UsageError, verify, type VerifyRow } from "blip-ts";
import type { Command } from "commander";
import {
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
import { loadProgress, progressBar } from "../progress.ts";
import { rowPrinter } from "../rows.ts";
import { tableLines } from "../table.ts";
import { print, type Terminal } from "../terminal.ts";

interface VerifyFlags extends SourceFlags {
  readonly images?: string;
  readonly fetch?: boolean;
  readonly as?: string;
  readonly threads?: number;
  readonly device: ModelFlags["device"];
  readonly profile?: string;
  readonly maxPixels?: number;
  readonly jsonl?: boolean;
}

/** A picture in the given folder, else its address where it may be fetched. */
const pictureIn =
  ({ images, fetch }: VerifyFlags) =>
  async (name: string): Promise<string | undefined> => {
    const place = images === undefined ? undefined : join(images, name);
    if (place !== undefined && (await stat(place).catch(() => undefined)) !== undefined) return place;
    return fetch === true ? publishedPictures[name] : undefined;
  };

/** @throws {UsageError} `usage/bad-option` */
async function checkFolder(images: string): Promise<void> {
  const found = await stat(images).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new UsageError(
      "usage/bad-option",
      `--images ${images}: expected a folder with the samples' pictures, found none there`,
      { images },
    );
}

async function run(model: string, flags: VerifyFlags, terminal: Terminal): Promise<number> {
  if (flags.images !== undefined) await checkFolder(flags.images);
  const progress = progressBar(terminal, flags.quiet);
  const { textHeads, revision, offline, threads, device, profile, maxPixels, as } = flags;
  const rows = rowPrinter<VerifyRow>(terminal, flags, (all) =>
    tableLines(
      ["verdict", "sample", "expected", "found", "published in"],
      all.map(({ verdict, sample, expected, found, source }) => [verdict, sample, expected, found, source]),
      0,
    ),
  );
  try {
    const counts = { equal: 0, different: 0, skipped: 0 };
    const found = verify(model, {
      ...{ textHeads, revision, offline, threads, device, profile, maxPixels, as },
      onProfile: profilePrinter(terminal),
      pictureOf: pictureIn(flags),
      signal: terminal.signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, flags.quiet),
      onSample: ({ done, total }) => progress.update("samples", done, total),
    });
    for await (const row of found) {
      rows.add(row);
      counts[row.verdict]++;
    }
    rows.end();
    if (counts.skipped > 0 && flags.quiet !== true)
      print(
        terminal.stderr,
        `${counts.skipped} of the samples could not be run: give their pictures with --images DIR, or let --fetch fetch them`,
      );
    // What was not run is not verified.
    return counts.different + counts.skipped > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addVerify(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("verify")
    .description("the published samples of one of Salesforce's models: expected, found, verdict")
    .argument("<model>", "a folder, a file, a suite, or a Hub id")
    .option(
      "--images <DIR>",
      `a folder with the samples' pictures: ${Object.keys(publishedPictures).join(", ")}`,
    )
    .option("--fetch", "fetch pictures that are not in that folder from where they were published")
    .option("--as <NAME>", "which published model this is, where its name does not say")
    .addOption(deviceOption())
    .addOption(profileOption())
    .addOption(threadsOption())
    .addOption(maxPixelsOption())
    .option("--jsonl", "a JSON row a line, as they come");
  addSourceOptions(command).action(async (model: string, flags: VerifyFlags) =>
    finish(await run(model, flags, terminal)),
  );
}
