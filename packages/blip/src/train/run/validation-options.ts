// How a run validates, and its criterion for the best weights.
import { optionNames } from "@blip-ts/base";
import type { TrainingTask } from "../data/batch.ts";
import { badTrainOption } from "../recipes/index.ts";
import { metricNames } from "./validation.ts";

/** Options of validation. All of them need validation data. */
export interface ValidationOptions {
  /**
   * The metrics use this many rows from the start of the validation data; 0: no metrics. The loss covers all rows
   * (`match`, `pretrain`: all full batches). Default: 1,000.
   */
  readonly validationLimit?: number | undefined;
  /** The number of beams for captions and answers in validation. Default: BLIP's 3. */
  readonly validationBeams?: number | undefined;
  /** The number of steps between validations, instead of validating per epoch. The run also validates at its end. */
  readonly validationSteps?: number | undefined;
  /**
   * The criterion for the best weights: the lowest `loss`, or the highest metric (`match`, `pretrain`: `rMean`, ...;
   * `caption`: `ciderD`, `bleu4`; `vqa`: `accuracy`, `exactMatch`; `nlvr`: `accuracy`). For equal metrics, the lower loss wins. Default: BLIP's
   * criterion, which is the task's first metric; for `pretrain`, and without metrics, the loss.
   */
  readonly bestBy?: string | undefined;
  /** The number of validations without improvement after which the run ends. Default: no limit. */
  readonly patience?: number | undefined;
}

export const validationOptionNames = optionNames<ValidationOptions>()({
  validationLimit: true,
  validationBeams: true,
  validationSteps: true,
  bestBy: true,
  patience: true,
});

/** The validation settings that determine the choice of weights. */
export interface ValidationSettings {
  /** Whether there is validation data. */
  readonly validates: boolean;
  readonly validationLimit: number;
  readonly validationBeams: number | null;
  readonly validationSteps: number | null;
  readonly bestBy: string;
  readonly patience: number | null;
}

const names = ["validationLimit", "validationBeams", "validationSteps", "bestBy", "patience"] as const;

function whole(name: string, value: number | undefined, least: number): number | null {
  if (value === undefined) return null;
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw badTrainOption(name, `a whole number of at least ${least}`, value);
}

function bestBy(task: TrainingTask, asked: string | undefined, measures: boolean): string {
  const known: readonly string[] = measures ? ["loss", ...metricNames[task]] : ["loss"];
  if (asked === undefined) return measures && task !== "pretrain" ? metricNames[task][0] : "loss";
  if (known.includes(asked)) return asked;
  throw badTrainOption("bestBy", known.join(", "), asked);
}

/** @throws {UsageError} `usage/bad-option` */
export function validationSettings(
  task: TrainingTask,
  options: ValidationOptions,
  validates: boolean,
): ValidationSettings {
  for (const name of names)
    if (options[name] !== undefined && !validates)
      throw badTrainOption(name, "validation data with it", "none", "Add the option validation.");
  const validationLimit = whole("validationLimit", options.validationLimit, 0) ?? 1000;
  return {
    validates,
    validationLimit,
    validationBeams: whole("validationBeams", options.validationBeams, 1),
    validationSteps: whole("validationSteps", options.validationSteps, 1),
    bestBy: bestBy(task, options.bestBy, validates && validationLimit > 0),
    patience: whole("patience", options.patience, 1),
  };
}
