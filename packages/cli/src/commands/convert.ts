// `blip convert IN OUT`: any checkpoint as a Hugging Face folder.
import { convert, type Conversion } from "blip-ts";
import type { Command } from "commander";
import { addSourceOptions, warner, type SourceFlags } from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar } from "../progress.ts";
import { print, type Terminal } from "../terminal.ts";

interface ConvertFlags extends SourceFlags {
  readonly task?: string;
}

async function run(model: string, folder: string, flags: ConvertFlags, terminal: Terminal): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  const { textHeads, revision, offline, task, json } = flags;
  try {
    const made = await convert(model, folder, {
      ...{ textHeads, revision, offline, task },
      signal: terminal.signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, flags.quiet),
    });
    printConversion(folder, made, {}, json, terminal);
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

/** One row about a folder that was written; `more` has further fields. */
export function printConversion(
  folder: string,
  { task, architecture, warnings }: Conversion,
  more: Readonly<Record<string, unknown>>,
  json: boolean | undefined,
  { stdout }: Terminal,
): void {
  print(
    stdout,
    json === true
      ? JSON.stringify([{ folder, task, architecture, ...more, warnings }], undefined, 1)
      : `${folder}: ${[architecture, ...Object.values(more)].join(", ")} (${task})`,
  );
}

export function addConvert(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("convert")
    .description(
      "any checkpoint as a Hugging Face folder: names, config, processor; numbers stay as they are",
    )
    .argument("<in>", "a folder, a file, picture-book, or a Hub id")
    .argument("<out>", "a folder that does not exist yet")
    .option("--task <TASK>", "which model a file of several becomes: match, caption, ask, compare or embed");
  addSourceOptions(command).action(async (model: string, folder: string, flags: ConvertFlags) =>
    finish(await run(model, folder, flags, terminal)),
  );
}
