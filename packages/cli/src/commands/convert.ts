// `blip convert IN OUT`: any checkpoint as a Hugging Face folder.
import { convert } from "blip-ts";
import type { Command } from "commander";
import { addSourceOptions, warner, type SourceFlags } from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { downloadProgress, progressBar } from "../progress.ts";
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
      onProgress: downloadProgress(progress),
    });
    const { architecture, warnings } = made;
    print(
      terminal.stdout,
      json === true
        ? JSON.stringify([{ folder, task: made.task, architecture, warnings }], undefined, 1)
        : `${folder}: ${architecture} (${made.task})`,
    );
    return exitCodes.done;
  } finally {
    progress.stop();
  }
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
