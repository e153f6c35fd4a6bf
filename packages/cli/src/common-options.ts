// The options that every verb over a model takes (the contract's "Common options").
import { UsageError, type Compat, type Warning } from "blip-ts";
import { Option, type Command } from "commander";
import { print, type Terminal } from "./terminal.ts";

export interface ModelFlags {
  readonly model?: string;
  readonly dtype: string;
  readonly device: string;
  readonly compat: Compat;
  readonly textHeads?: "config" | number;
  readonly orientation?: "stored" | "upright";
  readonly revision?: string;
  readonly offline?: boolean;
  readonly threads?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly jsonl?: boolean;
}

/** A whole number of at least 1, for commander. */
export function positiveInteger(name: string) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new UsageError("usage/bad-option", `${name}: expected a positive whole number, found "${text}"`, {
        name,
        text,
      });
    return value;
  };
}

const textHeads = (text: string): "config" | number =>
  text === "config" ? text : positiveInteger("--text-heads (config or N)")(text);

export const quietOption = () => new Option("--quiet", "no progress and no warnings on stderr");

export function addSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--compat <mode>", "whose conventions, where the references differ")
        .choices(["hf", "blip", "lavis"])
        .default("blip"),
    )
    .addOption(
      new Option(
        "--text-heads <N>",
        "attention heads of the text model, or `config` for what config.json says",
      ).argParser(textHeads),
    )
    .option("--revision <R>", "branch, tag or commit of a Hub repository")
    .option("--offline", "make no request: only what is in the cache")
    .option("--json", "one JSON array")
    .addOption(quietOption());
}

export function addModelOptions(command: Command): Command {
  return addSourceOptions(command)
    .option(
      "--model <M>",
      "a folder, a file, picture-book, or a Hub id (default: $BLIP_MODEL, else picture-book)",
    )
    .addOption(
      new Option("--dtype <T>", "type in which the network computes").choices(["fp32"]).default("fp32"),
    )
    .addOption(new Option("--device <D>", "what computes").choices(["auto", "cpu"]).default("auto"))
    .addOption(
      new Option("--orientation <O>", "as stored, or turned upright as EXIF says").choices([
        "stored",
        "upright",
      ]),
    )
    .addOption(
      new Option("--threads <N>", "threads of the engine (default: one for each core)").argParser(
        positiveInteger("--threads"),
      ),
    )
    .option("--jsonl", "a JSON row a line, as they come");
}

/** `--model`, else $BLIP_MODEL, else the embedded model with a word about what it is for. */
export function chooseModel(flags: ModelFlags, terminal: Terminal): string {
  const chosen = flags.model ?? terminal.env.BLIP_MODEL;
  if (chosen !== undefined && chosen !== "") return chosen;
  if (flags.quiet !== true)
    print(
      terminal.stderr,
      "Using the embedded model picture-book, which knows simple drawings. " +
        "For photographs: --model Salesforce/blip-itm-base-flickr",
    );
  return "picture-book";
}

/** Warnings as lines on stderr. */
export function warner(flags: Pick<ModelFlags, "quiet">, terminal: Terminal): (warning: Warning) => void {
  return ({ message }) => {
    if (flags.quiet !== true) print(terminal.stderr, `Warning: ${message}`);
  };
}
