// Error factories for the calls of verbs. Codes: `usage/...`.
import { UsageError } from "@blip-ts/base";

/**
 * A list of texts, statements or captions is empty.
 * @remedy Give at least one.
 */
export const noTexts = (name: "texts" | "statements" = "texts"): UsageError =>
  new UsageError("usage/no-texts", `${name}: expected at least one, got none. Give a list of sentences.`, {
    name,
  });

/**
 * The list of questions is empty.
 * @remedy Give at least one question.
 */
export const noQuestions = (): UsageError =>
  new UsageError(
    "usage/no-questions",
    "questions: expected at least one, got none. Give a list of questions.",
  );

/**
 * The list of images is empty.
 * @remedy Give at least one image.
 */
export const noImages = (): UsageError =>
  new UsageError("usage/no-images", "images: expected at least one, got none. Give a list of images.");

/**
 * There are several prompts, but not one per image.
 * @remedy Give one prompt for all images, or one per image.
 */
export const unequalPrompts = (prompts: number, images: number): UsageError =>
  new UsageError(
    "usage/unequal-prompts",
    `prompt: expected one for all images, or ${images}, got ${prompts}. Give one for all, or one per image.`,
    { prompts, images },
  );
