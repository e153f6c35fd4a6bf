// What can be wrong with a request to generate. Codes are `generate/...`.
import { UsageError } from "@blip-ts/base";

export const badGenerationOption = (name: string, found: unknown, expected: string): UsageError =>
  new UsageError("generate/bad-option", `${name}: expected ${expected}, found ${String(found)}`, {
    name,
    found,
    expected,
  });

export const promptTooLong = (length: number, maxLength: number): UsageError =>
  new UsageError(
    "generate/prompt-too-long",
    `the prompt has ${length} tokens, with which nothing can be generated up to a maximum length of ${maxLength} ` +
      "(which counts the prompt). Shorten the prompt, or raise maxLength (--max-length).",
    { length, maxLength },
  );

export const conflictingOptions = (message: string): UsageError =>
  new UsageError("generate/conflicting-options", message);
