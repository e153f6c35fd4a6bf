// What can go wrong in a training session: one factory per failure.
import { ModelError, UsageError } from "@blip-ts/base";

export const parameterTooLarge = (name: string, bytes: number, capacity: number): UsageError =>
  new UsageError(
    "train/parameter-size",
    `${name}: expected at most ${capacity} bytes with its gradient and moments, got ${bytes}. ` +
      "Freeze it, or train adapters of it.",
    { name, bytes, capacity },
  );

/** @param bytes what the parameters need together */
export const outOfMemory = (bytes: number, cause: unknown): ModelError =>
  new ModelError(
    "train/memory",
    `memory: expected ${Math.ceil(bytes / 2 ** 20)} MiB for weights, gradients and moments, ` +
      `got "${cause instanceof Error ? cause.message : String(cause)}". ` +
      "Freeze parts of the model, or end other programs.",
    { bytes },
    { cause },
  );

export const unknownParameter = (name: string): UsageError =>
  new UsageError(
    "train/parameter",
    `${name}: expected a parameter of this training session, got another name. Name one that is trained.`,
    { name },
  );

export const wrongLength = (name: string, expected: number, got: number): UsageError =>
  new UsageError(
    "train/length",
    `${name}: expected ${expected} numbers, got ${got}. Give the weights of this model.`,
    { name, expected, got },
  );
