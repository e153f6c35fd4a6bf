// `blip train TASK DATA`: fine-tunes or trains a model and saves it in a folder.
import { recipeNames, train, trainingTasks, type NodeTrainOptions, type RunPlan } from "blip-ts/train";
import { Argument, Option, type Command } from "commander";
import {
  anyNumber,
  chooseModel,
  imageSizeOption,
  positiveInteger,
  quietOption,
  threadsOption,
  warner,
} from "../common-options.ts";
import { addDataOptions, readerOf, type DataFlags } from "../data-options.ts";
import { exitCodes } from "../exit-codes.ts";
import { addLoraOptions, loraOf, type LoraFlags } from "../lora-options.ts";
import { progressBar } from "../progress.ts";
import { print, printLine, type Terminal, typed } from "../terminal.ts";
import {
  addValidationOptions,
  validationOptions,
  validationReader,
  validationText,
  type ValidationFlags,
} from "../train/validation-options.ts";

type Task = Parameters<typeof train>[0];
type Freeze = NonNullable<NodeTrainOptions["freeze"]>;
type Own = Pick<
  NodeTrainOptions,
  | "recipe"
  | "epochs"
  | "batchSize"
  | "lr"
  | "accumulate"
  | "init"
  | "imageSize"
  | "freeze"
  | "recompute"
  | "seed"
  | "threads"
  | "prompt"
  | "shorten"
  | "falseCaptions"
  | "resume"
  | "saveSteps"
  | "batchesPerEpoch"
  | "workers"
  | "clip"
  | "decay"
  | "dropout"
  | "dropPath"
  | "queue"
  | "alpha"
  | "momentum"
  | "warmUp"
>;

interface TrainFlags extends Omit<Own, "clip">, DataFlags, LoraFlags, ValidationFlags {
  readonly model?: string;
  readonly out: string;
  readonly clip?: number;
  /** False with --no-augment. */
  readonly augment: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`;

/** 75 -> "1 min 15 s". */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

/** The estimated time, without validation, whose duration is unknown before the first validation. */
const timeText = ({ seconds, measured }: RunPlan): string =>
  measured
    ? `Time: about ${duration(seconds)}, by the first batch`
    : `Time: very roughly ${duration(seconds)}, by this machine's matrix products`;

const someOf = (names: readonly string[]): string =>
  names.length === 1 ? names.join() : `${names.length} weights, such as ${names.slice(0, 1).join()}`;

function describePlan(plan: RunPlan, model: string): string[] {
  const { samples, steps, phases, samplesPerStep, lr, trained, memory, begun } = plan;
  const inPhases = phases > 1 ? ` in ${phases} phases, of at most` : " of";
  return [
    `${samples ?? "unknown"} samples, ${steps} steps${inPhases} ${samplesPerStep}, learning rate ${lr.toPrecision(3)}, ` +
      `${(trained / 1e6).toFixed(1)} million numbers trained`,
    `Memory: about ${megabytes(memory.total)} (weights ${megabytes(memory.weights)}, gradients ` +
      `${megabytes(memory.gradients)}, moments ${megabytes(memory.moments)}, a step ${megabytes(memory.activations)}). ` +
      timeText(plan),
    ...(begun.length > 0
      ? [`Not ${model}'s own, but new or copied from another part: ${someOf(begun)}`]
      : []),
  ];
}

function optionsOf(data: readonly string[], flags: TrainFlags): Omit<NodeTrainOptions, "model" | "out"> {
  const { recipe, epochs, batchSize, lr, accumulate, init, imageSize, freeze, recompute, seed } = flags;
  const { threads, prompt, shorten, falseCaptions, resume, saveSteps, batchesPerEpoch, workers } = flags;
  const { clip, decay, dropout, dropPath, queue, alpha, momentum, warmUp, val, augment } = flags;
  return {
    ...{ recipe, epochs, batchSize, lr, accumulate, init, imageSize, freeze, recompute, seed },
    ...{
      threads,
      prompt,
      shorten,
      falseCaptions,
      resume,
      saveSteps,
      batchesPerEpoch,
      workers,
      ...validationOptions(flags),
    },
    ...{ clip, decay, dropout, dropPath, queue, alpha, momentum, warmUp, validation: val },
    lora: loraOf(flags),
    ...(!augment && { augment: false as const }),
    ...{ reader: readerOf(flags, data), validationReader: validationReader(flags) },
  };
}

/** A suggested model for photographs, per task. */
const suggestions: Readonly<Record<Task, string>> = {
  match: "Salesforce/blip-itm-base-coco",
  caption: "Salesforce/blip-image-captioning-base",
  vqa: "Salesforce/blip-vqa-base",
  nlvr: "Salesforce/blip-vqa-base",
  pretrain: "Salesforce/blip-itm-base-coco",
};

async function run(
  task: Task,
  data: readonly string[],
  flags: TrainFlags,
  terminal: Terminal,
): Promise<number> {
  const progress = progressBar(terminal, flags.quiet);
  const say = (text: string) => {
    if (flags.quiet !== true) printLine(terminal.stderr, text);
  };
  try {
    const options = optionsOf(data, flags);
    const model = chooseModel(flags, terminal, suggestions[task]);
    const report = await train(task, data, {
      ...{ ...options, model, out: flags.out, signal: terminal.signal },
      onWarning: warner(flags, terminal),
      onSkip: ({ line }) => say(`Left out: ${typed(terminal, line)}`),
      onPlan: (plan) => describePlan(plan, model).forEach(say),
      onStep: ({ step, steps, phase, loss, losses, imagesPerSecond, secondsLeft }) => {
        const parts = Object.entries(losses).map(([name, value]) => `${name} ${value.toFixed(3)}`);
        const said = parts.length > 1 ? ` (${parts.join(", ")})` : "";
        progress.update("steps", step + 1, steps);
        if (terminal.stderr.isTTY !== true && (step + 1) % Math.ceil(steps / 20) === 0)
          say(
            `step ${step + 1} of ${steps}${phase === undefined ? "" : ` (phase ${phase})`}: loss ${loss.toFixed(3)}${said}, ` +
              `${imagesPerSecond.toFixed(1)} images/s, ${duration(secondsLeft)} left`,
          );
      },
      onEpoch: (epoch) => {
        progress.stop();
        const said = [`loss ${epoch.loss.toFixed(4)}`, validationText(epoch)].filter((part) => part !== "");
        say(`epoch ${epoch.epoch + 1}: ${said.join(", ")}`);
      },
      onValidating: ({ step, done, total }) => {
        if (total !== undefined) progress.update(`validation, ${step}`, done, total);
      },
      onValidation: (validation) => {
        progress.stop();
        say(`step ${validation.steps}: ${validationText(validation)}`);
      },
    });
    if (flags.json === true) print(terminal.stdout, JSON.stringify(report, undefined, 1));
    else
      print(
        terminal.stdout,
        `${report.model}: ${report.steps} steps, ${report.epochs} epochs` +
          (report.loss === null ? "" : `, last loss ${report.loss.toFixed(4)}`) +
          (report.skipped > 0 ? `, ${report.skipped} samples left out` : ""),
      );
    return exitCodes.done;
  } finally {
    progress.stop();
  }
}

const whole = (flag: string, about: string) =>
  new Option(`${flag} <N>`, about).argParser(positiveInteger(flag));
const real = (flag: string, about: string) => new Option(`${flag} <X>`, about).argParser(anyNumber(flag));

/** Parses the name of a part, or several names separated by commas. */
function freezeOf(text: string): Freeze {
  const names = text.split(",").map((name) => name.trim());
  return text === "imageEncoder" || text === "allButCrossAttention" ? text : names;
}

function addOptions(command: Command): Command {
  return addValidationOptions(command)
    .option(
      "--model <M>",
      "the initial model: a folder, a file, a suite, picture-book, or a Hub id (default: $BLIP_MODEL, else picture-book)",
    )
    .addOption(
      new Option(
        "--out <DIR>",
        "a folder that does not exist yet, or the run's own with --resume",
      ).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "--recipe <R>",
        `${recipeNames.join(", ")}, or a JSON file: BLIP's own numbers; for tens to hundreds of images; ` +
          "your own, also in phases (docs/train.md)",
      ).default("blip"),
    )
    .addOption(whole("--epochs", "passes over all samples"))
    .addOption(whole("--batch-size", "samples per batch"))
    .addOption(whole("--accumulate", "batches whose gradients are summed to one step (default: 1)"))
    .addOption(
      real(
        "--lr",
        "highest learning rate (default: the recipe's, times the root of samples per step over its own)",
      ),
    )
    .option("--init", "use only the model's sizes and vocabulary: all weights are initialised at random")
    .option("--resume", "continue the run in --out; the other options must be those of its beginning")
    .addOption(imageSizeOption())
    .addOption(
      new Option(
        "--freeze <PARTS>",
        "parts that are not trained: imageEncoder, allButCrossAttention, or prefixes of weight names, separated by commas",
      ).argParser(freezeOf),
    )
    .option("--recompute", "compute layers a second time: slower, with less memory")
    .option("--no-augment", "use whole images, without BLIP's crops and colour changes")
    .option("--prompt <TEXT>", 'beginning of captions (default: "a picture of ")')
    .addOption(
      real("--shorten", "share of captions of several sentences of which some are left out (default: 0)"),
    )
    .option(
      "--false-captions",
      "ITM learns from each row's false_captions, in place of other images' captions",
    )
    .addOption(real("--seed", "seed of everything random (default: 42)"))
    .option("--json", "the report as one JSON object")
    .addOption(quietOption());
}

/** Adds the options for a recipe's numbers and for performance. */
function addNumbers(command: Command): Command {
  return command
    .addOption(real("--clip", "largest norm of the gradients"))
    .addOption(real("--decay", "weight decay"))
    .addOption(real("--dropout", "dropout rate of the text models"))
    .addOption(real("--drop-path", "drop rate of image layers"))
    .addOption(whole("--queue", "pairs in the queue of match and pretrain"))
    .addOption(real("--alpha", "share of soft targets of match and pretrain"))
    .addOption(real("--momentum", "share of themselves that momentum encoders keep per step"))
    .addOption(whole("--warm-up", "steps over which the learning rate rises"))
    .addOption(
      whole(
        "--batches-per-epoch",
        "batches after which an epoch ends; shards and tables with images, which are not counted, need it",
      ),
    )
    .addOption(whole("--save-steps", "steps between saved states, besides each epoch's end (default: 500)"))
    .addOption(real("--workers", "threads that load images (default: one fewer than the cores; 0: this one)"))
    .addOption(threadsOption());
}

export function addTrain(program: Command, terminal: Terminal, finish: (code: number) => void): void {
  const command = program
    .command("train")
    .description(
      "fine-tune or train a model; leaves model/, state/, metrics.jsonl, curves.svg and run.json in a folder",
    )
    .addArgument(new Argument("<task>", "the training task").choices(trainingTasks))
    .argument("<data...>", "files or folders of images with texts, in the forms of docs/datasets.md");
  addDataOptions(command);
  addLoraOptions(addNumbers(addOptions(command))).action(
    async (task: Task, data: string[], flags: TrainFlags) => finish(await run(task, data, flags, terminal)),
  );
}
