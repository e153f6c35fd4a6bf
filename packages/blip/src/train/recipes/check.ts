// Checks a recipe from a file or a program: the type and range of every field, and no unknown field.
import { schema } from "@blip-ts/base";
import { autoContrasts } from "../data/augment/tones.ts";
import { augmentations } from "../data/augment/random-augment.ts";
import { badRecipe } from "./errors.ts";
import { lossNames } from "./losses.ts";
import { recipeNames } from "./presets.ts";
import type { CustomRecipe } from "./recipe.ts";

const { either, fields, flag, listOf, maybe, mapped, oneOf, only, real, text, whole } = schema;

const most = Number.MAX_SAFE_INTEGER;
const count = () => maybe(whole(1, most));
const rate = () => maybe(real(0, Number.MAX_VALUE, "a number of at least 0"));
const share = () => maybe(real(0, 1));
const aboveZero = () => real(Number.MIN_VALUE, Number.MAX_VALUE, "a number above 0");
const mostPhases = 100;
const mostNames = 10_000;

const augmentEntries = {
  scale: maybe(
    only(
      listOf(real(0, 1), 2),
      ([least, greatest]) => greatest !== undefined && least !== undefined && least > 0 && least <= greatest,
      "two shares above 0 and up to 1, the smaller one first",
    ),
  ),
  flip: share(),
  operations: maybe(whole(0, 100)),
  level: maybe(real(0, 10)),
  list: maybe(listOf(oneOf(...augmentations), 100)),
  autoContrast: maybe(oneOf(...autoContrasts)),
};
const lossEntries = Object.fromEntries(
  lossNames.map((name) => [name, maybe(real(0, Number.MAX_VALUE, "a number of at least 0"))]),
);
const patchEntries = {
  names: only(listOf(text(256), mostNames), (names) => names.length >= 2, "a list of at least two names"),
  weights: maybe(listOf(real(0, Number.MAX_VALUE, "a number of at least 0"), mostNames)),
};

const phaseEntries = {
  batchSize: count(),
  epochs: count(),
  steps: count(),
  accumulate: count(),
  ...{ lr: rate(), minLr: rate(), referenceBatch: count() },
  ...{ schedule: maybe(oneOf("cosine", "step", "constant")), per: maybe(oneOf("epoch", "step")) },
  ...{ rate: share(), warmUp: maybe(whole(0, most)), warmUpFrom: rate() },
  ...{ decay: rate(), clip: maybe(aboveZero()) },
  ...{ dropout: maybe(real(0, 0.99)), dropPath: maybe(real(0, 0.99)) },
  ...{ queue: count(), alpha: share(), momentum: share() },
  freeze: maybe(
    either(
      [text(256), only(listOf(text(256), 1000), (names) => names.length > 0, "at least one name")],
      "imageEncoder, allButCrossAttention, or a list of prefixes of weight names",
    ),
  ),
  recompute: maybe(flag()),
  augment: maybe(either([flag(), fields(augmentEntries)], "true, false, or augmentation settings")),
  prompt: maybe(text(10_000)),
  shorten: share(),
  falseCaptions: maybe(flag()),
  losses: maybe(fields(lossEntries)),
};

const recipeEntries = {
  ...phaseEntries,
  base: maybe(oneOf(...recipeNames)),
  imageSize: count(),
  init: maybe(flag()),
  seed: maybe(whole(0, most)),
  batchesPerEpoch: count(),
  patchNames: maybe(fields(patchEntries)),
};

const recipeSchema = fields(
  {
    ...recipeEntries,
    phases: maybe(
      only(
        listOf(fields(phaseEntries), mostPhases),
        (phases) => phases.length > 0,
        "a list of at least one phase",
      ),
    ),
  },
  "a recipe, an object",
);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

interface Level {
  readonly path: string;
  readonly known: readonly string[];
}

/** The known fields of nested objects, by the object's name. */
const within: Readonly<Record<string, readonly string[]>> = {
  augment: Object.keys(augmentEntries),
  losses: lossNames,
  patchNames: Object.keys(patchEntries),
};

/** @throws {UsageError} `train/recipe` at the first unknown field */
function refuseUnknown(name: string, recipe: Readonly<Record<string, unknown>>, { path, known }: Level) {
  for (const [field, value] of Object.entries(recipe)) {
    if (!known.includes(field))
      throw badRecipe(name, `${path}${field}`, `one of the fields ${known.join(", ")}`, "another name");
    const inner = within[field];
    if (inner && isRecord(value)) refuseUnknown(name, value, { path: `${path}${field}.`, known: inner });
  }
}

/** Drops fields without a value. Null is a value for `clip` and `freeze`, and counts as missing in other fields. */
function present(values: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([field, value]) => value !== undefined && (value !== null || field === "clip" || field === "freeze"),
    ),
  );
}

type Nested = Readonly<Partial<Record<"augment" | "losses", unknown>>>;

/** Applies `present` to a phase and its nested objects. */
function cleanedPhase({ augment, losses, ...values }: Nested): object {
  const inner = (value: unknown) => (isRecord(value) ? present(value) : value);
  return present({ ...values, augment: inner(augment), losses: inner(losses) });
}

/** The recipe's schema; its result omits missing values. */
const cleanedRecipe = mapped(recipeSchema, ({ phases, patchNames, ...values }): object => ({
  ...cleanedPhase(values),
  ...(patchNames && { patchNames: present(patchNames) }),
  ...(phases && { phases: phases.map(cleanedPhase) }),
}));

/** @throws {UsageError} `train/recipe` if a phase has both `epochs` and `steps` */
function refuseBoth(name: string, values: object, path: string): void {
  const { epochs, steps } = values as { epochs?: unknown; steps?: unknown };
  if (epochs !== undefined && steps !== undefined)
    throw badRecipe(name, `${path}steps`, "epochs or steps", "both");
}

/**
 * Checks a recipe against its schema.
 * @param name the recipe's name in messages: its file's path, or `recipe`
 * @returns the recipe's values
 * @throws {UsageError} `train/recipe` with the field, the expected value and the actual one
 */
export function checkedRecipe(name: string, recipe: unknown): CustomRecipe {
  const known = [...Object.keys(recipeEntries), "phases"];
  if (isRecord(recipe)) {
    refuseUnknown(name, recipe, { path: "", known });
    refuseBoth(name, recipe, "");
    for (const [index, phase] of (Array.isArray(recipe.phases) ? recipe.phases : []).entries())
      if (isRecord(phase)) {
        const path = `phases[${index}].`;
        refuseUnknown(name, phase, { path, known: Object.keys(phaseEntries) });
        refuseBoth(name, phase, path);
      }
  }
  const { value, mismatch } = schema.checked(cleanedRecipe, recipe);
  if (mismatch) throw badRecipe(name, mismatch.field, mismatch.expected, mismatch.found);
  // The schema has checked every field, and matches the type.
  return value;
}

/** Reads a small file, as `readSmall` of the platform's files does. */
type ReadText = (path: string, most: number) => Promise<string | number | { readonly got: string }>;

/** The most bytes of a recipe's file, and of a file of names. */
const mostBytes = 4_000_000;

/** @throws {UsageError} `train/recipe` if the file does not exist, is too long, or is not JSON */
async function jsonIn(path: string, expected: string, readText: ReadText): Promise<unknown> {
  const content = await readText(path, mostBytes);
  if (typeof content === "number") throw badRecipe(path, "", `at most ${mostBytes} bytes`, `${content}`);
  if (typeof content !== "string") throw badRecipe(path, "", expected, content.got);
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw badRecipe(path, "", "JSON", error instanceof Error ? error.message : "another text");
  }
}

/** Replaces the path of a file of patch names, which is relative to the recipe's folder, by the file's names. */
async function withPatchNames(path: string, recipe: unknown, readText: ReadText): Promise<unknown> {
  const patchNames = isRecord(recipe) ? recipe.patchNames : undefined;
  if (!isRecord(recipe) || !isRecord(patchNames) || typeof patchNames.names !== "string") return recipe;
  const file = `${/^.*[/\\]/.exec(path)?.[0] ?? ""}${patchNames.names}`;
  const names = await jsonIn(file, `a JSON list, which patchNames.names of ${path} names`, readText);
  const { mismatch } = schema.checked(patchEntries.names, names);
  if (mismatch) throw badRecipe(file, mismatch.field, mismatch.expected, mismatch.found);
  return { ...recipe, patchNames: { ...patchNames, names } };
}

/**
 * Reads a recipe from a file. In a file, `patchNames.names` may be the path of a JSON list of names, relative to it.
 * @throws {UsageError} `train/recipe` if a file does not exist or is not JSON, or if a field is invalid
 */
export async function readRecipe(path: string, readText: ReadText): Promise<CustomRecipe> {
  const recipe = await jsonIn(path, `${recipeNames.join(", ")}, or a JSON file`, readText);
  return checkedRecipe(path, await withPatchNames(path, recipe, readText));
}
