// `blip export MODEL OUT --task T`: exports a task as ONNX files, with their inputs and outputs.
import {
  exportOnnx,
  type Compat,
  type ExportDescription,
  type ExportedTensor,
  type NetworkDType,
} from "blip-ts";
import { Option, type Command } from "commander";
import {
  adapterOption,
  addSourceOptions,
  compatOption,
  dtypeOption,
  imageSizeOption,
  warner,
  type SourceFlags,
} from "../common-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar } from "../progress.ts";
import { print, type Terminal } from "../terminal.ts";

interface ExportFlags extends SourceFlags {
  readonly task: string;
  readonly compat: Compat;
  readonly dtype?: NetworkDType;
  readonly imageSize?: number;
  readonly adapter?: string;
  readonly selfContained?: boolean;
  readonly standardOperators?: boolean;
}

/** Describes each tensor in a line. Tensors that every layer L has share a line. */
function lines(kind: "in " | "out", tensors: readonly ExportedTensor[]): string[] {
  const layers = tensors.reduce(
    (most, { name }) => Math.max(most, Number(/\.(\d+)\./.exec(name)?.[1] ?? -1)),
    -1,
  );
  const found = tensors.map(({ name, dtype, shape }) => {
    const general = name.replace(/\.\d+\./, ".L.");
    const each = general === name ? "" : `, L = 0 to ${layers}`;
    return `  ${kind} ${general}  ${dtype} [${shape.join(", ")}]${each}`;
  });
  return [...new Set(found)];
}

function describe(folder: string, made: ExportDescription): string {
  const { files, data, dtype, opset, contributedOperators } = made;
  const versions = Object.entries(opset).map(([domain, number]) => `${domain} ${number}`);
  return [
    `${folder}: ${dtype}, ${versions.join(", ")}${contributedOperators.length > 0 ? ` (${contributedOperators.join(", ")})` : ""}`,
    ...files.flatMap(({ file, about, inputs, outputs }) => [
      `${file}  ${about}`,
      ...lines("in ", inputs),
      ...lines("out", outputs),
    ]),
    ...(data === null ? [] : [`${data}  the weights of all of them`]),
    "export.json  inputs, outputs, preprocessing, the order of steps; tokenizer.json, vocab.txt",
  ].join("\n");
}

async function run(model: string, folder: string, flags: ExportFlags, terminal: Terminal): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  const { textHeads, revision, offline, allowPrivateRedirects, task, compat, dtype, imageSize, adapter } =
    flags;
  const { selfContained, standardOperators } = flags;
  try {
    const made = await exportOnnx(model, folder, {
      ...{ textHeads, revision, offline, allowPrivateRedirects, task, compat, dtype, imageSize, adapter },
      ...{ selfContained, standardOperators },
      signal: terminal.signal,
      onWarning: warner(flags, terminal),
      onProgress: loadProgress(progress, terminal, flags.quiet),
    });
    print(
      terminal.stdout,
      flags.json === true ? JSON.stringify([{ folder, ...made }], undefined, 1) : describe(folder, made),
    );
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

export function addExport(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("export")
    .description("a task as ONNX files for other programs, with their inputs, outputs and order of steps")
    .argument("<model>", "a folder, a file or its URL, a suite, picture-book, or a Hub id")
    .argument("<out>", "a folder that does not exist yet")
    .addOption(
      new Option("--task <TASK>", "match, retrieve, caption, ask, compare or embed").makeOptionMandatory(),
    )
    .option(
      "--self-contained",
      "each file contains its own weights (at most 2 GiB), instead of one common file of weights",
    )
    .option("--standard-operators", "only ONNX's own operators, for engines other than ONNX Runtime");
  addSourceOptions(command)
    .addOption(compatOption())
    .addOption(adapterOption())
    .addOption(dtypeOption())
    .addOption(imageSizeOption())
    .action(async (model: string, folder: string, flags: ExportFlags) =>
      finish(await run(model, folder, flags, terminal)),
    );
}
