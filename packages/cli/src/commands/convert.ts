// `blip convert IN OUT`: converts any checkpoint to a Hugging Face folder. `blip convert --suite OUT TASK=MODEL...`:
// combines models of several tasks in one folder.
import { type Conversion, convert, makeSuite } from "blip-ts";
import type { Command } from "commander";
import { adapterOption, addSourceOptions, warner, type SourceFlags } from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar } from "../progress.ts";
import { print, type Terminal } from "../terminal.ts";
import { badArguments, badFlag } from "../errors.ts";

interface ConvertFlags extends SourceFlags {
  readonly task?: string;
  readonly suite?: string;
  readonly adapter?: string;
}

/** The arguments IN and OUT. @throws {UsageError} `usage/bad-arguments` */
function modelAndFolder(places: readonly string[]): readonly [model: string, folder: string] {
  const [model, folder, ...others] = places;
  if (model !== undefined && folder !== undefined && others.length === 0) return [model, folder];
  throw badArguments(
    "convert",
    "IN OUT",
    places.length === 0 ? "nothing" : places.join(" "),
    "Name what is read and a folder that does not exist yet; for models of several tasks: --suite OUT match=DIR ask=DIR.",
  );
}

/** @throws {UsageError} `usage/bad-arguments` */
function partOf(text: string): { task: string; model: string } {
  const at = text.indexOf("=");
  if (at > 0 && at < text.length - 1) return { task: text.slice(0, at), model: text.slice(at + 1) };
  throw badArguments("convert --suite", "TASK=MODEL", text, "Name each part as match=DIR.");
}

async function run(places: readonly string[], flags: ConvertFlags, terminal: Terminal): Promise<number> {
  if (flags.suite !== undefined) return runSuite(flags.suite, places, flags, terminal);
  const [model, folder] = modelAndFolder(places);
  const progress = progressBar(terminal, flags.quiet);
  const { textHeads, revision, offline, allowPrivateRedirects, task, json, adapter } = flags;
  try {
    const made = await convert(model, folder, {
      ...{ textHeads, revision, offline, allowPrivateRedirects, task, adapter },
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

async function runSuite(
  folder: string,
  places: readonly string[],
  flags: ConvertFlags,
  terminal: Terminal,
): Promise<number> {
  if (flags.task !== undefined)
    throw badFlag("--task", "none beside --suite", flags.task, `Name a task's model as ${flags.task}=MODEL.`);
  if (flags.adapter !== undefined)
    throw badFlag(
      "--adapter",
      "none beside --suite, which joins models as they are",
      flags.adapter,
      "Write the part first: blip convert MODEL OUT --adapter FOLDER.",
    );
  const progress = progressBar(terminal, flags.quiet);
  const { textHeads, revision, offline, allowPrivateRedirects, json } = flags;
  try {
    const { tasks, parts, warnings } = await makeSuite(places.map(partOf), folder, {
      ...{ textHeads, revision, offline, allowPrivateRedirects },
      signal: terminal.signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, flags.quiet),
    });
    print(
      terminal.stdout,
      json === true
        ? JSON.stringify([{ folder, tasks, parts, warnings }], undefined, 1)
        : [
            `${folder}: a suite for ${tasks.join(", ")}`,
            ...parts.map(({ task, architecture, model }) => `${task}: ${architecture} of ${model}`),
          ].join("\n"),
    );
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

/** Prints one row about a written folder; `more` has further fields. */
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
      "convert any checkpoint to a Hugging Face folder: names, config, processor; only --adapter changes numbers",
    )
    .usage("[options] <in> <out>\n       blip convert [options] --suite <out> <task=model...>")
    .argument(
      "[places...]",
      "IN: a folder, a file, a suite, picture-book, or a Hub id; OUT: a folder that does not exist yet",
    )
    .option(
      "--task <TASK>",
      "the task whose model is written, from a file or suite of several: match, caption, ask, compare or embed",
    )
    .option(
      "--suite <OUT>",
      "combine models of several tasks with equal image encoders in one folder: match=DIR ask=DIR",
    );
  addSourceOptions(command.addOption(adapterOption())).action(async (places: string[], flags: ConvertFlags) =>
    finish(await run(places, flags, terminal)),
  );
}
