// AdamW with a schedule and parameter groups. The defaults are those of BLIP (configs/*.yaml, train_*.py): weight decay
// 0.05 for all weights, no clipping.
import type { AdamSettings, UpdateSettings } from "@blip-ts/engine";
import type { ParameterGroup } from "./groups.ts";
import { checkSchedule, learningRate, type Schedule } from "./schedule.ts";
import { badOptimizer } from "./errors.ts";

export interface OptimizerOptions {
  readonly schedule: Schedule;
  /** Default: 0.9 and 0.999. */
  readonly betas?: readonly [number, number] | undefined;
  /** Default: 1e-8. */
  readonly eps?: number | undefined;
  /** The weight decay of weights in no group. Default: 0.05. */
  readonly decay?: number | undefined;
  /** Groups of weights with their own settings. */
  readonly groups?: readonly ParameterGroup[] | undefined;
  /** The maximum global norm of the gradients. Default: no clipping. */
  readonly clip?: number | undefined;
  /** The share of its value that a moving average keeps per step. Default: 0.995. */
  readonly momentum?: number | undefined;
}

export interface Optimizer extends AdamSettings {
  readonly groups: readonly ParameterGroup[];
  readonly momentum: number;
  readonly learningRate: (step: number) => number;
  /** @param step the number of the update, from 0 */
  readonly update: (step: number, from: UpdateSettings["from"]) => UpdateSettings;
}

const defaults = { betas: [0.9, 0.999], eps: 1e-8, decay: 0.05, momentum: 0.995 } as const;

function check(name: string, value: number, isRight: boolean, expected: string): void {
  if (isRight && Number.isFinite(value)) return;
  throw badOptimizer(name, expected, value);
}

/** @throws {UsageError} `train/optimizer`, `train/schedule` */
export function createOptimizer(options: OptimizerOptions, stepsPerEpoch: number): Optimizer {
  const { schedule, groups = [], clip } = options;
  const { betas = defaults.betas, eps = defaults.eps, decay = defaults.decay } = options;
  const { momentum = defaults.momentum } = options;
  const [beta1, beta2] = betas;
  checkSchedule(schedule);
  for (const [index, beta] of betas.entries())
    check(`betas[${index}]`, beta, beta >= 0 && beta < 1, "a number from 0 to below 1");
  check("eps", eps, eps > 0, "a number above 0");
  check("decay", decay, decay >= 0, "a number of at least 0");
  check("momentum", momentum, momentum >= 0 && momentum <= 1, "a number from 0 to 1");
  if (clip !== undefined) check("clip", clip, clip > 0, "a number above 0");
  check("stepsPerEpoch", stepsPerEpoch, stepsPerEpoch > 0, "a number above 0");
  const rate = (step: number) => learningRate(schedule, step, stepsPerEpoch);
  return {
    ...{ beta1, beta2, eps, groups, momentum, learningRate: rate },
    update: (step, from) => ({
      ...{ beta1, beta2, eps, clip, from, step: step + 1 },
      groups: [...groups, {}].map((group: Partial<ParameterGroup>) => ({
        lr: rate(step) * (group.lrScale ?? 1),
        decay: group.decay ?? decay,
      })),
    }),
  };
}
