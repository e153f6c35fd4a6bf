// `blip quantize IN OUT --dtype T`: a folder with half-precision or 8-bit weights.
import { quantize, type WeightDType } from "blip-ts";
import { Option, type Command } from "commander";
import { addSourceOptions, warner, type SourceFlags } from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar } from "../progress.ts";
import type { Terminal } from "../terminal.ts";
import { printConversion } from "./convert.ts";

interface QuantizeFlags extends SourceFlags {
  readonly dtype: WeightDType;
  readonly task?: string;
}

async function run(model: string, folder: string, flags: QuantizeFlags, terminal: Terminal): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  const { dtype, textHeads, revision, offline, task, json } = flags;
  try {
    const made = await quantize(model, folder, {
      ...{ dtype, textHeads, revision, offline, task },
      signal: terminal.signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, true),
    });
    printConversion(folder, made, { dtype }, json, terminal);
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addQuantize(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("quantize")
    .description("a folder with half-precision or 8-bit weights, which every task of the model runs from")
    .argument("<in>", "a folder, a file, picture-book, or a Hub id")
    .argument("<out>", "a folder that does not exist yet")
    .addOption(new Option("--dtype <T>", "type of the weights").choices(["fp16", "int8"]).default("int8"))
    .option("--task <TASK>", "which model a file of several becomes: match, caption, ask, compare or embed");
  addSourceOptions(command).action(async (model: string, folder: string, flags: QuantizeFlags) =>
    finish(await run(model, folder, flags, terminal)),
  );
}
