// The errors of a run's options and of recipes.
import { UsageError } from "@blip-ts/base";

/**
 * A training option is not valid.
 * @remedy Choose a value that the message allows.
 */
export const badTrainOption = (
  name: string,
  expected: string,
  got: unknown,
  advice = "Choose another value.",
): UsageError =>
  new UsageError("usage/bad-option", `${name}: expected ${expected}, got ${String(got)}. ${advice}`, {
    name,
    expected,
    got,
  });

/**
 * A recipe holds a value that is not valid.
 * @remedy Correct the recipe.
 * @param name the recipe's file, or `recipe`
 * @param field for example `phases[1].lr`; empty for the whole recipe
 */
export const badRecipe = (name: string, field: string, expected: string, found: string): UsageError =>
  new UsageError(
    "train/recipe",
    `${name}${field === "" ? "" : `, ${field}`}: expected ${expected}, got ${found}. Correct the recipe.`,
    { name, field, expected, found },
  );
