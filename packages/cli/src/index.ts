// The command as a function of its arguments and its terminal; `bin.ts` passes the process's.
import { BlipError, version } from "blip-ts";
import { Command, CommanderError } from "commander";
import { addAsk } from "./commands/ask.ts";
import { addBench } from "./commands/bench.ts";
import { addCapfilt } from "./commands/capfilt.ts";
import { addCaption } from "./commands/caption.ts";
import { addCompare } from "./commands/compare.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConvert } from "./commands/convert.ts";
import { addEmbed } from "./commands/embed.ts";
import { addEval } from "./commands/eval.ts";
import { addExport } from "./commands/export.ts";
import { addInspect } from "./commands/inspect.ts";
import { addMatch } from "./commands/match.ts";
import { addQuantize } from "./commands/quantize.ts";
import { addRetrieve } from "./commands/retrieve.ts";
import { addTrain } from "./commands/train.ts";
import { addVerify } from "./commands/verify.ts";
import { addExamples, calledAs, programExamples } from "./help/examples.ts";
import { describeOptions } from "./help/option-help.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { asTyped, flagsOf } from "./option-names.ts";
import { refuseEmptyValues } from "./option-values.ts";
import { print, printLine, type Terminal, typed, withCode, write } from "./terminal.ts";

export type { Terminal } from "./terminal.ts";

/** Verbs about images, and verbs about model files, in the order of the help. */
const asking = [addMatch, addCaption, addAsk, addCompare, addEmbed, addRetrieve];
const ofModels = [addInspect, addConvert, addExport, addQuantize, addVerify, addEval, addBench];
const making = [addTrain, addCapfilt];

/** Creates the program with all verbs. @param finish called with the exit code */
export function createProgram(terminal: Terminal, finish: (code: number) => void): Command {
  const program = new Command(terminal.program ?? "blip")
    .description(
      "BLIP: matching, captions, answers, judgements and search over images, straight from the original checkpoints",
    )
    .version(version, "--version")
    .exitOverride()
    .hook("preAction", (_, command) => refuseEmptyValues(command))
    .configureOutput({
      writeOut: (text) => write(terminal.stdout, text),
      writeErr: (text) => write(terminal.stderr, text),
    });
  program.commandsGroup("Images and texts:");
  for (const add of asking) add(program, terminal, finish);
  program.commandsGroup("Models:");
  for (const add of ofModels) add(program, terminal, finish);
  program.commandsGroup("Training and data:");
  for (const add of making) add(program, terminal, finish);
  program.commandsGroup("Shell:");
  addCompletion(program, terminal, finish);
  program.addHelpText("after", `\n${calledAs(program, programExamples)}`);
  for (const command of program.commands) {
    command.exitOverride().copyInheritedSettings(program);
    describeOptions(command);
    addExamples(command);
  }
  return program;
}

/** Runs `blip` with these arguments (without the program's own name). @returns the exit code */
export async function main(args: readonly string[], outer: Terminal): Promise<number> {
  let code: number = exitCodes.done;
  const terminal: Terminal = {
    ...outer,
    asTyped: (message) => {
      const command = program.commands.find((known) => known.name() === args[0]);
      return command ? asTyped(message, flagsOf(command)) : message;
    },
  };
  const program = createProgram(terminal, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // commander has printed its own message; asking for help or the version is no failure.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (terminal.signal.aborted) return exitCodes.interrupted;
    const message = typed(terminal, error instanceof Error ? error.message : String(error));
    printLine(
      terminal.stderr,
      `blip: ${withCode(message, error instanceof BlipError ? error.code : undefined)}`,
    );
    if (terminal.env.BLIP_DEBUG === "1" && error instanceof Error) print(terminal.stderr, error.stack ?? "");
    return exitCodeOf(error);
  }
}
