// The numbers of one AdamW update, as torch.optim.AdamW forms them in its loop over single tensors.

/** A decoupled weight decay and Adam's constants (arXiv 1711.05101). */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

export interface AdamStep extends AdamSettings {
  readonly lr: number;
  /** The share of lr by which weights shrink. */
  readonly decay: number;
  /** The number of this update, from 1. */
  readonly step: number;
  /** What gradients are multiplied with first. */
  readonly scale: number;
}

/** What is the same for all numbers of an update. */
export interface AdamNumbers {
  readonly scale: number;
  readonly mix1: number;
  readonly beta2: number;
  readonly mix2: number;
  readonly root: number;
  readonly eps: number;
  readonly size: number;
  readonly keep: number;
}

/** In double precision; the update itself is in float32. */
export function adamNumbers({ lr, decay, beta1, beta2, eps, step, scale }: AdamStep): AdamNumbers {
  return {
    ...{ scale, mix1: 1 - beta1, beta2, mix2: 1 - beta2, eps },
    root: Math.sqrt(1 - beta2 ** step),
    size: lr / (1 - beta1 ** step),
    keep: 1 - lr * decay,
  };
}
