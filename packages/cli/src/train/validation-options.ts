// Options of `blip train` for validation, and the text of a validation's result.
import { metricNames, type EpochReport, type NodeTrainOptions, type ValidationOptions } from "blip-ts/train";
import { Option, type Command } from "commander";
import { anyNumber, positiveInteger } from "../common-options.ts";
import { needsFlag } from "../errors.ts";

export interface ValidationFlags {
  readonly val?: string;
  readonly valSplit?: string;
  readonly valAnnotations?: string;
  readonly valLimit?: number;
  readonly valBeams?: number;
  readonly valSteps?: number;
  readonly bestBy?: string;
  readonly patience?: number;
}

const metrics = Object.entries(metricNames).map(([task, names]) => `${task}: ${names.join(", ")}`);

export const addValidationOptions = (command: Command): Command =>
  command
    .option(
      "--val <FILE>",
      "validation data: its loss and the task's metrics after each epoch; the result is the best epoch",
    )
    .option("--val-split <NAME>", "the part of the validation data, as --split names one")
    .option(
      "--val-annotations <FILE>",
      "vqa: the annotations of validation data in VQA v2's or OK-VQA's form",
    )
    .addOption(
      new Option(
        "--val-limit <N>",
        "number of first rows on which metrics are computed; 0: none (default: 1000)",
      ).argParser(anyNumber("--val-limit")),
    )
    .addOption(
      new Option("--val-beams <N>", "beams of captions and answers in validation (default: 3)").argParser(
        positiveInteger("--val-beams"),
      ),
    )
    .addOption(
      new Option("--val-steps <N>", "validate after every N steps instead of each epoch").argParser(
        positiveInteger("--val-steps"),
      ),
    )
    .option(
      "--best-by <NAME>",
      `what the best weights have: the lowest loss, or the highest metric (${metrics.join("; ")}; default: the task's first metric; pretrain, or without metrics: loss)`,
    )
    .addOption(
      new Option("--patience <N>", "validations without improvement after which training ends").argParser(
        positiveInteger("--patience"),
      ),
    );

export const validationOptions = ({
  valLimit,
  valBeams,
  valSteps,
  bestBy,
  patience,
}: ValidationFlags): ValidationOptions => ({
  ...{ validationLimit: valLimit, validationBeams: valBeams, validationSteps: valSteps, bestBy, patience },
});

/** How to read the validation data, as far as it differs from the data. @throws {UsageError} `usage/bad-option` */
export function validationReader({
  val,
  valSplit: split,
  valAnnotations: annotations,
}: ValidationFlags): NodeTrainOptions["validationReader"] {
  const alone = Object.entries({ "--val-split": split, "--val-annotations": annotations }).flatMap(
    ([name, value]) => (value === undefined ? [] : [name]),
  );
  if (alone.length === 0) return undefined;
  if (val === undefined) throw needsFlag(alone.join(", "), "--val FILE", alone.length > 1 ? "them" : "it");
  return { ...(split !== undefined && { split }), ...(annotations !== undefined && { annotations }) };
}

/** "validation 3.1024, ciderD 0.5120, bleu4 0.1001 (best)"; empty without a validation. */
export function validationText({
  validationLoss,
  metrics: measured,
  best,
}: Pick<EpochReport, "validationLoss" | "metrics" | "best">): string {
  if (validationLoss === null) return "";
  const values = Object.entries(measured ?? {}).map(([name, value]) => `, ${name} ${value.toFixed(4)}`);
  return `validation ${validationLoss.toFixed(4)}${values.join("")}${best ? " (best)" : ""}`;
}
