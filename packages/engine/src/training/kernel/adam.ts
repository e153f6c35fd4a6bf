// The numbers of one AdamW update, computed as in torch.optim.AdamW's single-tensor loop.

/** Adam's constants, with decoupled weight decay (arXiv 1711.05101). */
export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

export interface AdamStep extends AdamSettings {
  readonly lr: number;
  /** The weight decay as a share of lr. */
  readonly decay: number;
  /** The number of this update, from 1. */
  readonly step: number;
  /** A factor that is applied to the gradients first. */
  readonly scale: number;
}

/** The values that all numbers of an update share. */
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

/** Computes in double precision; the update itself is in float32. */
export function adamNumbers({ lr, decay, beta1, beta2, eps, step, scale }: AdamStep): AdamNumbers {
  return {
    ...{ scale, mix1: 1 - beta1, beta2, mix2: 1 - beta2, eps },
    root: Math.sqrt(1 - beta2 ** step),
    size: lr / (1 - beta1 ** step),
    keep: 1 - lr * decay,
  };
}
