// `blip inspect MODEL`: describes a checkpoint and its tasks, without reading its weights.
import { type Compat, type Inspection, type NetworkDType, inspect, printTask } from "blip-ts";
import type { Command } from "commander";
import { addSourceOptions, compatOption, dtypeOption, type SourceFlags } from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar } from "../progress.ts";
import { print, type Terminal, write } from "../terminal.ts";
import { needsFlag } from "../errors.ts";

interface InspectFlags extends SourceFlags {
  readonly compat: Compat;
  readonly graph?: string;
  readonly dtype?: NetworkDType;
}

const sizes = (part: object): string =>
  Object.entries(part)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(", ");

const counted = (parameters: number): string => parameters.toLocaleString("en");

function describe(model: string, inspection: Inspection): string {
  const { vision, text, jointEmbedding } = inspection.architecture;
  const reasons = new Map<string, number>();
  for (const { reason } of inspection.ignored) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const rows: [string, string][] = [
    ["model", model],
    ["format", `${inspection.format}, ${inspection.dialect} names, ${inspection.weights} weights`],
    [
      "parameters",
      `${counted(inspection.parameters)}${inspection.parts ? ", the image encoder's once" : ""}`,
    ],
    ["tasks", inspection.tasks.length > 0 ? inspection.tasks.join(", ") : "none"],
    ["missing", inspection.missing.length > 0 ? inspection.missing.join(", ") : "nothing"],
    ...(inspection.imageEncoder
      ? ([
          ["encoder", `${counted(inspection.imageEncoder.parameters)} in ${inspection.imageEncoder.folder}`],
        ] as [string, string][])
      : []),
    ...(inspection.parts ?? []).map(({ folder, tasks, parameters, architecture }): [string, string] => [
      "part",
      `${folder}: ${tasks.join(", ")}; ${counted(parameters)} parameters with the image encoder` +
        (architecture.text ? `; text ${sizes(architecture.text)}` : ""),
    ]),
    ...(vision ? ([["vision", sizes(vision)]] as [string, string][]) : []),
    ...(text ? ([["text", sizes(text)]] as [string, string][]) : []),
    ...(jointEmbedding === undefined ? [] : ([["embedding", String(jointEmbedding)]] as [string, string][])),
    ...[...reasons].map(([reason, count]): [string, string] => ["left out", `${count} tensors: ${reason}`]),
    ...inspection.warnings.map(({ code, message }): [string, string] => ["warning", `${code}: ${message}`]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(11)} ${value}`).join("\n");
}

async function run(model: string, flags: InspectFlags, terminal: Terminal): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  const { compat, textHeads, revision, offline, allowPrivateRedirects, dtype } = flags;
  if (dtype !== undefined && flags.graph === undefined) throw needsFlag("--dtype", "--graph TASK");
  const options = {
    ...{ compat, textHeads, revision, offline, allowPrivateRedirects, dtype },
    signal: terminal.signal,
    onProgress: loadProgress(progress, terminal, flags.quiet),
    // An inspection's warnings are part of its result.
    onWarning: () => undefined,
  };
  try {
    if (flags.graph !== undefined) {
      write(terminal.stdout, await printTask(model, flags.graph, options));
      return exitCodes.done;
    }
    const { ignored, ...row } = await inspect(model, options);
    print(
      terminal.stdout,
      flags.json === true ? JSON.stringify([row], undefined, 1) : describe(model, { ignored, ...row }),
    );
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addInspect(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("inspect")
    .description("describe a checkpoint or a suite, and the tasks that it can do")
    .argument("<model>", "a folder, a file or its URL, a suite, picture-book, or a Hub id")
    .option("--graph <TASK>", "print the graphs of a task");
  addSourceOptions(command)
    .addOption(compatOption())
    .addOption(dtypeOption())
    .action(async (model: string, flags: InspectFlags) => finish(await run(model, flags, terminal)));
}
