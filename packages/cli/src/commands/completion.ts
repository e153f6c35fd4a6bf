// `blip completion SHELL`: prints a script that completes verbs, options and their values.
import { Argument, type Command } from "commander";
import { ownOptions, verbsOf } from "../completion/describe-command.ts";
import { scripts, shells, type Shell } from "../completion/scripts.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Terminal, write } from "../terminal.ts";

/** The names under which the package installs the program. */
const names = ["blip", "blip-ts"] as const;

export function addCompletion(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  program
    .command("completion")
    .description("print a script with which a shell completes verbs, options and their values")
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .action((shell: Shell) => {
      write(
        terminal.stdout,
        scripts[shell]({ names, options: ownOptions(program), verbs: verbsOf(program) }),
      );
      finish(exitCodes.done);
    });
}
