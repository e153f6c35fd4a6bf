// Error factories for generation requests. Codes: `generate/...`.
import { UsageError } from "@blip-ts/base";

/**
 * A generation option has a value that is not valid.
 * @remedy Give a value that the message allows.
 */
export const badGenerationOption = (name: string, found: unknown, expected: string): UsageError =>
  new UsageError(
    "generate/bad-option",
    `${name}: expected ${expected}, got ${String(found)}. Give another value.`,
    {
      name,
      found,
      expected,
    },
  );

/**
 * The prompt alone has as many tokens as the result may have.
 * @remedy Shorten the prompt, or raise `maxLength` (`--max-length`), which counts the prompt.
 */
export const promptTooLong = (length: number, maxLength: number): UsageError =>
  new UsageError(
    "generate/prompt-too-long",
    `prompt: expected fewer than ${maxLength} tokens (maxLength, which counts the prompt), got ${length}. ` +
      "Shorten the prompt, or raise maxLength.",
    { length, maxLength },
  );

/**
 * Two generation options exclude each other, such as sampling and beams.
 * @remedy Leave one of them out.
 */
export const conflictingOptions = (message: string): UsageError =>
  new UsageError("generate/conflicting-options", message);
