// How much the network is given at a time.
import { imageTokens, type BlipConfig } from "../model/config.ts";
import type { BatchLimits } from "./text-batches.ts";

/** Sizes of batches. */
export interface Limits {
  /** Pictures that are encoded at a time. */
  readonly images: number;
  /** Texts alone. */
  readonly texts: BatchLimits;
  /** Texts over the kept keys and values of one image. */
  readonly cachedLooks: BatchLimits;
  /** Texts over images of N states each, which travel with them. */
  readonly looks: (N: number) => BatchLimits;
}

/**
 * Unless memory is bounded: as many rows as fill the matrix products (measured: past 400 rows they gain no more), and
 * states of 16 images at a time.
 */
export function defaultLimits({ vision }: BlipConfig): Limits {
  const states = 16 * imageTokens(vision);
  return {
    images: 4,
    texts: { tokens: 512, rows: 64 },
    cachedLooks: { tokens: 512, rows: 64 },
    looks: (N) => ({ tokens: 256, rows: Math.max(1, Math.floor(states / N)) }),
  };
}
