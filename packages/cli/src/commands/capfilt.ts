// `blip capfilt DATA OUT`: captions and filters images with web texts; keeps the pairs worth training on.
import type { Compat, NetworkDType } from "blip-ts";
import { capfilt, outputFormats, type NodeCapFiltOptions } from "blip-ts/train";
import { Option, type Command } from "commander";
import { nextStep } from "../capfilt/next-step.ts";
import { reportLines } from "../capfilt/report-lines.ts";
import {
  anyNumber,
  chooseModel,
  compatOption,
  deviceOption,
  dtypeOption,
  grey16Option,
  maxPixelsOption,
  orientationOption,
  pillowOrderOption,
  positiveInteger,
  quietOption,
  textHeadsOption,
  threadsOption,
  warner,
} from "../common-options.ts";
import { allowOutsideOption, columnOption, columnsOf, imagesOption, splitOption } from "../data-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { loadProgress, progressBar, type Progress } from "../progress.ts";
import { print, tell, type Terminal } from "../terminal.ts";
import { generationConfig, generationConfigOption } from "../generation-options.ts";

type Reader = NonNullable<NodeCapFiltOptions["reader"]>;

interface CapFiltFlags extends Pick<
  NodeCapFiltOptions,
  | "captioner"
  | "filter"
  | "threshold"
  | "topP"
  | "seed"
  | "minLength"
  | "maxLength"
  | "prompt"
  | "format"
  | "html"
  | "resume"
  | "device"
  | "textHeads"
  | "orientation"
  | "pillowOrder"
  | "grey16"
  | "threads"
  | "offline"
  | "maxPixels"
> {
  readonly compat: Compat;
  readonly generationConfig?: string;
  readonly dtype?: NetworkDType;
  readonly batchSize?: number;
  readonly images?: string;
  readonly split?: string;
  readonly column?: readonly string[];
  readonly dataFormat?: Reader["format"];
  readonly allowOutside?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** The roles of columns that CapFilt reads. */
const roles = ["image", "captions"];

function readerOf({ images, split, column = [], dataFormat, allowOutside }: CapFiltFlags): Reader {
  return {
    ...(images === undefined ? {} : { imageRoot: images }),
    ...(split === undefined ? {} : { split }),
    ...(column.length === 0 ? {} : { columns: columnsOf(column, roles) }),
    ...(dataFormat === undefined ? {} : { format: dataFormat }),
    ...(allowOutside === undefined ? {} : { allowOutside }),
  };
}

/** A suggested captioner and filter for photographs. */
const suggestion = "Salesforce/blip-image-captioning-base --filter Salesforce/blip-itm-base-coco";

const labels = { data: "rows counted", rows: "images captioned and filtered", write: "rows written" };

/** The number of progress lines without a progress bar. */
const lines = 20;

/** Shows the progress of each step. If stderr is not a terminal, prints a line at each twentieth of the images. */
function onStep(
  progress: Progress,
  terminal: Terminal,
  quiet: boolean | undefined,
): NonNullable<NodeCapFiltOptions["onStep"]> {
  let said = 0;
  return ({ step, done, total, imagesPerSecond, secondsLeft }) => {
    if (total === undefined) return;
    progress.update(labels[step], done, total);
    if (quiet === true || terminal.stderr.isTTY === true || step !== "rows") return;
    const part = Math.floor((lines * done) / total);
    if (part <= said || imagesPerSecond === undefined || secondsLeft === undefined) return;
    said = part;
    print(
      terminal.stderr,
      `${done} of ${total} rows, ${imagesPerSecond.toPrecision(3)} images per second, ${Math.ceil(secondsLeft)} s left`,
    );
  };
}

async function optionsOf(
  flags: CapFiltFlags,
  terminal: Terminal,
  progress: Progress,
): Promise<NodeCapFiltOptions & { readonly filter: string }> {
  const { threshold, topP, seed, minLength, maxLength, prompt, format, html, resume, batchSize } = flags;
  const { compat, dtype, device, textHeads, orientation, threads, offline, maxPixels, quiet } = flags;
  const { pillowOrder, grey16 } = flags;
  const captioner = chooseModel(
    {
      ...(flags.captioner === undefined ? {} : { model: flags.captioner }),
      ...(quiet === undefined ? {} : { quiet }),
    },
    terminal,
    suggestion,
    "--captioner",
  );
  return {
    ...{ threshold, topP, seed, minLength, maxLength, prompt, format, html, resume },
    ...{ compat, dtype, device, textHeads, orientation, pillowOrder, grey16, threads, offline, maxPixels },
    ...{ captioner, filter: flags.filter ?? captioner, imageBatchSize: batchSize },
    generationConfig: await generationConfig(flags),
    reader: readerOf(flags),
    signal: terminal.signal,
    onWarning: warner(flags, terminal),
    onProgress: loadProgress(progress, terminal, quiet),
    onStep: onStep(progress, terminal, quiet),
    onFailed: ({ place, message }) => {
      if (quiet === true) return;
      // The bar reappears below the message.
      progress.stop();
      tell(terminal, `Left out: ${message.startsWith(place) ? message : `${place}: ${message}`}`);
    },
  };
}

async function run(data: string, out: string, flags: CapFiltFlags, terminal: Terminal): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  try {
    const options = await optionsOf(flags, terminal, progress);
    const report = await capfilt(data, out, options);
    progress.stop();
    if (flags.json === true) print(terminal.stdout, JSON.stringify(report, undefined, 1));
    else for (const line of reportLines(report)) print(terminal.stdout, line);
    const { program = "blip" } = terminal;
    const { column, allowOutside } = flags;
    const model = options.filter;
    if (flags.quiet !== true)
      print(terminal.stderr, nextStep({ program, out, report, model, column, allowOutside }));
    return report.failed.count > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    progress.stop();
  }
}

const whole = (flag: string, about: string) =>
  new Option(`${flag} <N>`, about).argParser(positiveInteger(flag));
const real = (flag: string, about: string) => new Option(`${flag} <X>`, about).argParser(anyNumber(flag));

const containers = ["json", "jsonl", "csv", "parquet", "webdataset", "image-folder"];

function addDataOptions(command: Command): Command {
  return command
    .addOption(imagesOption())
    .addOption(columnOption(roles.join(", ")))
    .addOption(splitOption())
    .addOption(
      new Option("--data-format <F>", "the container of the rows, if the content does not show it").choices(
        containers,
      ),
    )
    .addOption(allowOutsideOption());
}

function addModelChoices(command: Command): Command {
  return command
    .option(
      "--captioner <M>",
      "the model that captions: a folder, a file, a suite, picture-book, or a Hub id (default: $BLIP_MODEL, else picture-book)",
    )
    .option("--filter <M>", "the model that filters (default: the captioner)")
    .addOption(real("--threshold", "least ITM probability of a kept text, 0 to 1 (default: 0.5)"))
    .addOption(
      real(
        "--top-p",
        "captions are drawn from the likeliest tokens that together have this probability (default: 0.9)",
      ),
    )
    .addOption(
      real("--seed", "seed of all draws; each image has its own, derived from this one (default: 42)"),
    )
    .addOption(whole("--min-length", "fewest tokens of a caption, prompt included (default: --compat's, 5)"))
    .addOption(whole("--max-length", "most tokens of a caption, prompt included (default: --compat's, 20)"))
    .option("--prompt <TEXT>", 'beginning of captions (default: --compat\'s, "a picture of ")');
}

export function addCapfilt(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("capfilt")
    .description(
      "caption and filter images with texts of the web (CapFilt); leaves kept/, scores.jsonl, report.json and report.html in a folder",
    )
    .argument("<data>", "JSON lines, a JSON list, CSV, Parquet, webdataset shards, or a folder of images")
    .argument("<out>", "a folder that is empty or does not exist, or the run's own with --resume");
  addModelChoices(command)
    .addOption(
      new Option("--format <F>", "format of the kept pairs (default: that of the data)").choices(
        outputFormats,
      ),
    )
    .addOption(
      new Option(
        "--html <N>",
        "images on the page report.html, evenly selected; 0 for no page (default: 100)",
      ).argParser(anyNumber("--html")),
    )
    .option(
      "--resume",
      "continue the run in <out>, or begin it; a finished one is written again with --threshold",
    )
    .addOption(whole("--batch-size", "images at a time (default: 8)"))
    .addOption(generationConfigOption())
    .addOption(compatOption())
    .addOption(dtypeOption())
    .addOption(deviceOption())
    .addOption(textHeadsOption())
    .addOption(orientationOption())
    .addOption(grey16Option())
    .addOption(pillowOrderOption())
    .addOption(threadsOption())
    .addOption(maxPixelsOption())
    .option("--offline", "make no request for the models, and use only the cache")
    .option("--json", "the report as one JSON object")
    .addOption(quietOption());
  addDataOptions(command).action(async (data: string, out: string, flags: CapFiltFlags) =>
    finish(await run(data, out, flags, terminal)),
  );
}
