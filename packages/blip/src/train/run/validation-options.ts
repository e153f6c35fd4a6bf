// How a run validates, and what it takes for better.
import type { TrainingTask } from "../data/batch.ts";
import { badTrainOption } from "../recipes/index.ts";
import { metricNames } from "./validation.ts";

/** All of them need validation data. */
export interface ValidationOptions {
  /**
   * Rows of the validation data, from the first, on which the task's metrics are computed; 0: none are. The loss is that of
   * all of the data. Default 1,000.
   */
  readonly validationLimit?: number | undefined;
  /** Beams of the captions and answers of validation. Default: BLIP's 3. */
  readonly validationBeams?: number | undefined;
  /** Validates after every so many steps instead of at each epoch's end, and at the run's end. */
  readonly validationSteps?: number | undefined;
  /**
   * What the best weights have: the lowest `loss`, or the highest metric (`match`, `pretrain`: `rMean`, ...; `caption`:
   * `ciderD`, `bleu4`; `vqa`, `nlvr`: `accuracy`). Of equal metrics the lower loss decides. Default: the metric that BLIP
   * chooses by, which is the task's first; for `pretrain`, and without metrics, the loss.
   */
  readonly bestBy?: string | undefined;
  /** Validations without a better one after which the run ends. */
  readonly patience?: number | undefined;
}

/** What the choice of the weights depends on. */
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
      throw badTrainOption(name, "validation data beside it (the option validation)", "none");
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
