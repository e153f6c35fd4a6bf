// Library messages use TypeScript option names; this module replaces them by the command's own names.
import type { Command } from "commander";

/** The library's names of options whose flags have other names. */
const renamed: Readonly<Record<string, string>> = {
  imageBatchSize: "--batch-size",
  imageRoot: "--images",
  "lora.alpha": "--lora-alpha",
  "lora.dropout": "--lora-dropout",
  "lora.modulesToSave": "--lora-save",
  "lora.rank": "--lora",
  "lora.targets": "--lora-targets",
  modulesToSave: "--lora-save",
  questions: "-q",
  report: "--out",
  statements: "-s",
  tasks: "--task",
  validation: "--val",
  validationBeams: "--val-beams",
  validationLimit: "--val-limit",
  validationSteps: "--val-steps",
};

/** Maps the library's option names to a command's flags: topP -> "--top-p". */
export function flagsOf({ options }: Pick<Command, "options">): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  const known = new Set(options.flatMap(({ long, short }) => [long, short]));
  for (const [name, flag] of Object.entries(renamed)) if (known.has(flag)) flags.set(name, flag);
  for (const option of options) {
    const flag = option.long ?? option.short;
    if (flag !== undefined && !option.negate) flags.set(option.attributeName(), flag);
  }
  return flags;
}

const escaped = (name: string): string => name.replaceAll(".", "\\.");

/** A value in TypeScript notation: "int8", 405, true. */
const value = /: (?:"([^"]*)"|(\d[\d.]*)\b|(true)\b)/y;

/**
 * Replaces option names in a library message by the command's own. A name counts as an option at the beginning of the
 * message, after "option", before a value (`beams: 1`), or if it is no ordinary word (`maxPixels`).
 * @param flags from `flagsOf`
 */
export function asTyped(message: string, flags: ReadonlyMap<string, string>): string {
  if (flags.size === 0) return message;
  const names = [...flags.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const pattern = new RegExp(`(?<![\\w./"'-])((?:the )?option )?(${names.join("|")})(?![\\w/-])`, "g");
  let typed = "";
  let from = 0;
  for (const match of message.matchAll(pattern)) {
    const [whole, marker, name = ""] = match;
    const end = match.index + whole.length;
    if (match.index < from) continue;
    value.lastIndex = end;
    const [assigned = "", text, number] = match.index > 0 ? (value.exec(message) ?? []) : [];
    const begins = match.index === 0 && /^(?:: |, | \()/.test(message.slice(end));
    const isOption = begins || marker !== undefined || assigned !== "" || /[A-Z.]/.test(name);
    if (!isOption) continue;
    typed += message.slice(from, match.index) + (flags.get(name) ?? name);
    const said = text ?? number;
    if (said !== undefined) typed += ` ${said}`;
    from = end + assigned.length;
  }
  return typed + message.slice(from);
}
