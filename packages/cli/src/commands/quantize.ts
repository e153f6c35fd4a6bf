// `blip quantize IN OUT --dtype T`: writes a folder with half-precision or 8-bit weights.
import { BlipProcessor, InputError, type VerbOptions, type WeightDType, quantize } from "blip-ts";
import { Option, type Command } from "commander";
import { accuracy, accuracyTable, defaultTexts } from "../accuracy.ts";
import {
  adapterOption,
  addSourceOptions,
  collect,
  maxPixelsOption,
  warner,
  type SourceFlags,
} from "../common-options.ts";
import { exitCodes, isNotFinite } from "../exit-codes.ts";
import { listImages } from "../list-images.ts";
import { addTextOptions, listTexts, numbered, type TextFlags, withTextNames } from "../list-texts.ts";
import { loadProgress, progressBar } from "../progress.ts";
import { print, type Terminal } from "../terminal.ts";
import { printConversion } from "./convert.ts";
import { needsFlag, ofCheck } from "../errors.ts";
import { processorPart } from "../split-options.ts";

interface QuantizeFlags extends SourceFlags, TextFlags {
  readonly dtype: WeightDType;
  readonly task?: string;
  readonly check?: readonly string[];
  readonly maxPixels?: number;
  readonly adapter?: string;
}

/**
 * Reads all images first. Otherwise, an unreadable image would end the comparison only after the folder was written.
 * @throws {InputError} for the first unreadable image
 */
async function checkImages(
  model: string,
  images: readonly string[],
  options: VerbOptions & { readonly task: string | undefined },
): Promise<void> {
  const processor = await BlipProcessor.fromPretrained(model, {
    ...processorPart(options),
    task: options.task,
  });
  for (const image of images) {
    options.signal?.throwIfAborted();
    await processor(image).catch((cause: unknown) => {
      if (!(cause instanceof InputError)) throw cause;
      throw ofCheck(cause, image);
    });
  }
}

async function run(model: string, folder: string, flags: QuantizeFlags, terminal: Terminal): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  const { dtype, textHeads, revision, offline, allowPrivateRedirects, task, json } = flags;
  const { check, maxPixels, adapter } = flags;
  if (!check && (flags.text || flags.texts !== undefined)) throw needsFlag("-t, --texts", "--check IMAGE");
  if (!check && maxPixels !== undefined) throw needsFlag("--max-pixels", "--check IMAGE");
  // List the inputs of the comparison before writing anything.
  const images = check && (await listImages(check, terminal.stdin));
  const listed =
    flags.text || flags.texts !== undefined ? await listTexts(flags) : numbered("text", defaultTexts);
  const { signal } = terminal;
  const source = { textHeads, revision, offline, allowPrivateRedirects };
  const loaded = { ...source, maxPixels, signal, onWarning: () => undefined };
  try {
    if (images) await checkImages(model, images, { ...loaded, task });
    const made = await quantize(model, folder, {
      ...{ ...source, dtype, task, adapter },
      signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, true),
    });
    progress.stop();
    if (!images) {
      printConversion(folder, made, { dtype }, json, terminal);
      return exitCodes.done;
    }
    const rows = await withTextNames(listed, () =>
      accuracy(
        made.task,
        { source: model, options: { ...loaded, adapter } },
        { source: folder, options: { ...loaded, dtype } },
        images,
        listed.texts,
      ),
    ).catch((error: unknown) => {
      // Print the row, because the folder was written.
      if (isNotFinite(error)) printConversion(folder, made, { dtype }, json, terminal);
      throw error;
    });
    if (json === true) printConversion(folder, made, { dtype, accuracy: rows }, json, terminal);
    else {
      printConversion(folder, made, { dtype }, json, terminal);
      print(terminal.stdout, accuracyTable(rows));
    }
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addQuantize(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("quantize")
    .description("a folder with half-precision or 8-bit weights, which every task of the model runs from")
    .argument("<in>", "a folder, a file or its URL, a suite, picture-book, or a Hub id")
    .argument("<out>", "a folder that does not exist yet")
    .addOption(new Option("--dtype <T>", "type of the weights").choices(["fp16", "int8"]).default("int8"))
    .option(
      "--task <TASK>",
      "the task whose model is written, from a file or suite of several: match, caption, ask, compare or embed",
    );
  addTextOptions(command).addOption(
    new Option(
      "--check <IMAGE>",
      "then compare with the original on images (files, folders; may be given again), with your own texts or a few defaults",
    ).argParser(collect),
  );
  addSourceOptions(command.addOption(adapterOption()).addOption(maxPixelsOption())).action(
    async (model: string, folder: string, flags: QuantizeFlags) =>
      finish(await run(model, folder, flags, terminal)),
  );
}
