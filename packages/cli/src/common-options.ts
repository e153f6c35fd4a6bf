// The options common to all verbs with a model (the contract's "Common options").
import type { Compat, NetworkDType, Profile, ProfiledOperator, VerbOptions, Warning } from "blip-ts";
import { Option, type Command } from "commander";
import { loadProgress, type Progress } from "./progress.ts";
import { table } from "./table.ts";
import { print, tell, type Terminal, typed, withCode } from "./terminal.ts";
import { badFlag, imagesLeftOut } from "./errors.ts";

/** Options of every verb that opens a model, by option or argument. */
export interface SourceFlags {
  readonly textHeads?: "config" | number;
  readonly revision?: string;
  readonly offline?: boolean;
  readonly allowPrivateRedirects?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Options of every verb that runs a model. */
export interface ModelFlags extends SourceFlags {
  readonly model?: string;
  readonly adapter?: string;
  readonly dtype?: NetworkDType;
  readonly device: NonNullable<VerbOptions["device"]>;
  readonly profile?: string;
  readonly compat: Compat;
  readonly orientation?: "stored" | "upright";
  readonly pillowOrder?: "10" | "13";
  readonly grey16?: "clip" | "scale";
  readonly imageSize?: number;
  readonly threads?: number;
  readonly memory?: number;
  readonly maxPixels?: number;
  readonly maxTextLength?: number;
  readonly load?: "map" | "copy";
  readonly jsonl?: boolean;
}

/** Options of every verb for many images. */
export interface ImageFlags extends ModelFlags {
  /** `-0`: paths on standard input end with NULs. */
  readonly null?: boolean;
  readonly batchSize?: number;
}

/** Collects the values of a repeatable option, in order. */
export const collect = (value: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  value,
];

/** Parses a number, for commander. */
export function anyNumber(name: string) {
  return (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value)) throw badFlag(name, "a number", `"${text}"`);
    return value;
  };
}

/** Parses a whole number of at least 1, for commander. */
export function positiveInteger(name: string) {
  return (text: string): number => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1)
      throw badFlag(name, "a positive whole number", `"${text}"`);
    return value;
  };
}

const textHeads = (text: string): "config" | number =>
  text === "config" ? text : positiveInteger("--text-heads (config or N)")(text);

export const textHeadsOption = () =>
  new Option(
    "--text-heads <N>",
    "attention heads of the text model, or `config` for the value in config.json",
  ).argParser(textHeads);

export const quietOption = () => new Option("--quiet", "no progress and no warnings on stderr");

export const compatOption = () =>
  new Option(
    "--compat <mode>",
    "the conventions if the references differ: transformers' (hf), BLIP's scripts', LAVIS's, or those of BLIP's demo",
  )
    .choices(["hf", "blip", "lavis", "demo"])
    .default("blip");

export const orientationOption = () =>
  new Option(
    "--orientation <O>",
    "stored (with --compat hf and demo, and in BLIP's own code), or upright by EXIF (with blip and lavis: our choice)",
  ).choices(["stored", "upright"]);

export const grey16Option = () =>
  new Option(
    "--grey16 <how>",
    "16-bit grey images: clip at 255 as Pillow does, or scale to 8 bits (default: clip, with a warning)",
  ).choices(["clip", "scale"]);

export const pillowOrderOption = () =>
  new Option(
    "--pillow-order <V>",
    "the first pass of Pillow's resize: horizontal (10), or Pillow 13's choice (13)",
  ).choices(["10", "13"]);

export const imageSizeOption = () =>
  new Option(
    "--image-size <N>",
    "side of the network's input in pixels; position embeddings are interpolated (default: the model's own)",
  ).argParser(positiveInteger("--image-size"));

export const adapterOption = () =>
  new Option(
    "--adapter <DIR>",
    "a LoRA adapter of the model, in PEFT's form, such as model/ of blip train --lora",
  );

export const dtypeOption = () =>
  new Option(
    "--dtype <T>",
    "the network's computation type (default: fp32, or int8 for 8-bit weights)",
  ).choices(["fp32", "fp16", "int8"]);

export const threadsOption = () =>
  new Option("--threads <N>", "threads of the engine (default: one per core)").argParser(
    positiveInteger("--threads"),
  );

export const deviceOption = () =>
  new Option("--device <D>", "the device that computes")
    .choices(["auto", "cpu", "webgpu", "cuda", "coreml", "dml"])
    .default("cpu");

export const profileOption = () =>
  new Option("--profile <FILE>", "write ONNX Runtime's trace, and print the slowest operations");

export const memoryOption = () =>
  new Option("--memory <MB>", "bound of the process's peak memory in megabytes (default: none)").argParser(
    positiveInteger("--memory"),
  );

export const maxPixelsOption = () =>
  new Option(
    "--max-pixels <N>",
    "most pixels of an image; one that declares more is not decoded (default: 178956970)",
  ).argParser(positiveInteger("--max-pixels"));

export const maxTextLengthOption = () =>
  new Option(
    "--max-text-length <N>",
    "most characters of a text; a longer one is rejected (default: 10000)",
  ).argParser(positiveInteger("--max-text-length"));

export const loadOption = () =>
  new Option(
    "--load <how>",
    "map: read weights from the model's file on demand; copy: read all into memory at once, so that the file may be overwritten",
  )
    .choices(["map", "copy"])
    .default("map");

export function addSourceOptions(command: Command): Command {
  return command
    .addOption(textHeadsOption())
    .option("--revision <R>", "branch, tag or commit of a Hub repository")
    .option("--offline", "make no request for the model, and use only the cache")
    .option(
      "--allow-private-redirects",
      "also follow redirects from public to private addresses (default: they are refused)",
    )
    .option("--json", "one JSON array")
    .addOption(quietOption());
}

export function addModelOptions(command: Command): Command {
  return addSourceOptions(command)
    .addOption(compatOption())
    .option(
      "--model <M>",
      "a folder, a file or its URL, a suite, picture-book, or a Hub id (default: $BLIP_MODEL, else picture-book)",
    )
    .addOption(adapterOption())
    .addOption(dtypeOption())
    .addOption(deviceOption())
    .addOption(profileOption())
    .addOption(orientationOption())
    .addOption(grey16Option())
    .addOption(pillowOrderOption())
    .addOption(imageSizeOption())
    .addOption(threadsOption())
    .addOption(memoryOption())
    .addOption(maxPixelsOption())
    .addOption(maxTextLengthOption())
    .addOption(loadOption())
    .option("--jsonl", "JSON rows, one per line, as they arrive");
}

/** The options of a verb for many images. */
export const addImageOptions = (command: Command): Command =>
  addModelOptions(command)
    .addOption(
      new Option("--batch-size <N>", "images at a time (default: 4)").argParser(
        positiveInteger("--batch-size"),
      ),
    )
    .option("-0, --null", "with -: NULs, not line breaks, end the paths on standard input (find -print0)");

export const imagesArgument = [
  "<image...>",
  "files, folders, patterns, URLs, or - for a list on standard input",
] as const;

/**
 * Chooses the model: `--model`, otherwise $BLIP_MODEL, otherwise the embedded model, with a note on its purpose.
 * @param suggestion a model that does the verb's task on photographs
 * @param option the option that names a model
 */
export function chooseModel(
  flags: Pick<ModelFlags, "model" | "quiet">,
  terminal: Terminal,
  suggestion: string,
  option = "--model",
): string {
  const chosen = flags.model ?? terminal.env.BLIP_MODEL;
  if (chosen !== undefined && chosen !== "") return chosen;
  if (flags.quiet !== true)
    print(
      terminal.stderr,
      "Using the embedded model picture-book, which knows simple drawings. " +
        `For photographs: ${option} ${suggestion}`,
    );
  return "picture-book";
}

/** Prints warnings as lines on stderr. */
export function warner(flags: Pick<ModelFlags, "quiet">, terminal: Terminal): (warning: Warning) => void {
  return ({ message, code }) => {
    if (flags.quiet !== true) tell(terminal, withCode(`Warning: ${typed(terminal, message)}`, code));
  };
}

/** Options of listing a verb's images. */
export const listOptions = (
  flags: Pick<ImageFlags, "null" | "quiet">,
  terminal: Terminal,
): { nul: boolean | undefined; warn: (message: string) => void } => ({
  nul: flags.null,
  warn: (message) => warner(flags, terminal)(imagesLeftOut(message)),
});

/** The number of operators in a summary. */
const longest = 12;

/** Prints a trace's path and the slowest operators on stderr, because the user asked for them. */
export function profilePrinter(terminal: Terminal): (profile: Profile) => void {
  return ({ file, sessions, operators }) => {
    const total = operators.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const row = ({ operator, provider, calls, milliseconds }: ProfiledOperator) => [
      operator,
      provider,
      String(calls),
      milliseconds.toFixed(1),
      `${((100 * milliseconds) / (total || 1)).toFixed(1)} %`,
    ];
    print(terminal.stderr, `Trace of ${sessions.join(", ") || "nothing"} in ${file}`);
    print(
      terminal.stderr,
      table(["operator", "on", "calls", "ms", "share"], operators.slice(0, longest).map(row), 3),
    );
  };
}

/** Options of loading a verb's model. */
export function loadOptions(flags: ModelFlags, terminal: Terminal, progress: Progress): VerbOptions {
  const { compat, dtype, textHeads, orientation, imageSize, revision, offline } = flags;
  const { threads, device, profile, memory, maxPixels, maxTextLength, load, adapter } = flags;
  const { allowPrivateRedirects, pillowOrder, grey16 } = flags;
  return {
    ...{ compat, dtype, textHeads, orientation, imageSize, revision, offline, allowPrivateRedirects },
    ...{ threads, device, profile, memory, maxPixels, maxTextLength, load, adapter, pillowOrder, grey16 },
    onProfile: profilePrinter(terminal),
    signal: terminal.signal,
    onWarning: warner(flags, terminal),
    onProgress: loadProgress(progress, terminal, flags.quiet),
  };
}
