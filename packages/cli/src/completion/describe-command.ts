// Describes the command for completion scripts, from commander's tree; only declared options can be completed.
import { must } from "@blip-ts/base";
import type { Command, Option } from "commander";

/** The value of an option: one of some words, a path, or free text. */
export type Completed =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "path" }
  | { readonly kind: "free" };

export interface CompletedOption {
  /** All spellings: `--model`, `-t`. */
  readonly flags: readonly string[];
  readonly about: string;
  /** Undefined for an option without a value. */
  readonly value: Completed | undefined;
}

export interface CompletedVerb {
  readonly name: string;
  readonly about: string;
  readonly options: readonly CompletedOption[];
  /** The allowed words of the verb's arguments. If empty, arguments are paths. */
  readonly words: readonly string[];
}

/** Placeholders of values that are, or may be, paths. */
const pathNames = /<(?:FILE|DIR|M|OUT|IMAGE|R)>|\[(?:FILE|DIR)\]/;

/** The first part of a description, for a list. */
function short(text: string): string {
  return must(text.split(/[;(:]| - /), 0)
    .trim()
    .replace(/\s+/g, " ");
}

function valueOf(option: Option): Completed | undefined {
  if (!option.required && !option.optional) return undefined;
  if (option.argChoices !== undefined && option.argChoices.length > 0)
    return { kind: "words", words: option.argChoices };
  return { kind: pathNames.test(option.flags) ? "path" : "free" };
}

function optionsOf(command: Command): CompletedOption[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map((option) => ({
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      about: short(option.description),
      value: valueOf(option),
    }));
}

/** The verbs of the program, in its order. */
export const verbsOf = (program: Command): CompletedVerb[] =>
  program.commands.map((command) => ({
    name: command.name(),
    about: short(command.description()),
    options: optionsOf(command),
    words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  }));

/** The program's own options. */
export const ownOptions = (program: Command): CompletedOption[] => optionsOf(program);
