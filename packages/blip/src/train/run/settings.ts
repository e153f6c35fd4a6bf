// The settings of a run: the caller's options with every default filled in.
import { checkFalseCaptions, type AugmentOptions } from "../data/options.ts";
import type { TrainingTask } from "../data/batch.ts";
import type { TrainingFiles } from "../checkpoint/files.ts";
import { refusedWith, resolveLora, type LoraSettings } from "../lora/index.ts";
import { frozenParts } from "../optimizer/groups.ts";
import {
  badTrainOption,
  checkedRecipe,
  checkLosses,
  loraRate,
  readRecipe,
  recipeNamed,
  scaledRate,
  type CustomRecipe,
  type LossWeights,
  type PatchNames,
  type PhaseRecipe,
  type Recipe,
} from "../recipes/index.ts";
import type { TrainOptions } from "./options.ts";
import { validationSettings, type ValidationSettings } from "./validation-options.ts";

/** The settings that may differ between phases. */
export interface PhaseSettings extends Recipe {
  /** The number of updates, which replaces `epochs`; null: `epochs` determines it. */
  readonly steps: number | null;
  readonly accumulate: number;
  readonly freeze: string | readonly string[] | null;
  readonly recompute: boolean;
  readonly augment: AugmentOptions | boolean;
  readonly prompt: string | null;
  /** Null means 0. */
  readonly shorten: number | null;
  readonly falseCaptions: boolean;
  readonly losses: LossWeights | null;
}

/** The settings that determine the numbers. run.json stores them, and a resume compares them. */
export interface Settings extends PhaseSettings, ValidationSettings {
  readonly task: TrainingTask;
  readonly model: string;
  readonly init: boolean;
  readonly imageSize: number | null;
  readonly lora: LoraSettings | null;
  readonly seed: number;
  readonly batchesPerEpoch: number | null;
  readonly patchNames: PatchNames | null;
  readonly phases: readonly PhaseSettings[] | null;
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw badTrainOption(name, `a whole number of at least ${least}`, value);
}

function number(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  const above = least === Number.MIN_VALUE ? "above 0" : `of at least ${least}`;
  const range = most === Number.MAX_VALUE ? above : `from ${least} to ${most}`;
  throw badTrainOption(name, `a number ${range}`, value);
}

const recipeFields = [
  ...["batchSize", "epochs", "lr", "referenceBatch", "minLr", "schedule", "per", "rate", "warmUp"],
  ...["warmUpFrom", "decay", "clip", "dropout", "dropPath", "queue", "alpha", "momentum"],
] as readonly (keyof Recipe)[];

const phaseFields: readonly (keyof PhaseRecipe)[] = [
  ...recipeFields,
  ...(["steps", "accumulate", "freeze", "recompute", "augment", "prompt", "shorten"] as const),
  ...(["falseCaptions", "losses"] as const),
];

/** Merges levels: later values win. A level's `steps` replaces earlier `epochs`, and vice versa. */
function merged(levels: readonly PhaseRecipe[]): PhaseRecipe {
  let all: PhaseRecipe = {};
  for (const level of levels) {
    const own = phaseFields.filter((name) => level[name] !== undefined);
    const { steps, epochs, ...others } = all;
    const hasLength = own.includes("steps") || own.includes("epochs");
    all = {
      ...(hasLength ? others : { ...others, steps, epochs }),
      ...Object.fromEntries(own.map((name) => [name, level[name]])),
    };
  }
  return all;
}

const filled = (preset: Recipe, values: PhaseRecipe): Recipe => ({
  ...preset,
  ...Object.fromEntries(
    recipeFields.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]] as const])),
  ),
});

function checkRecipe(recipe: Recipe): void {
  whole("batchSize", recipe.batchSize, 1);
  whole("epochs", recipe.epochs, 1);
  whole("warmUp", recipe.warmUp, 0);
  whole("queue", recipe.queue, 1);
  whole("referenceBatch", recipe.referenceBatch, 1);
  for (const name of ["lr", "minLr", "decay", "warmUpFrom"] as const)
    number(name, recipe[name], 0, Number.MAX_VALUE);
  for (const name of ["dropout", "dropPath"] as const) number(name, recipe[name], 0, 0.99);
  for (const name of ["alpha", "momentum", "rate"] as const) number(name, recipe[name], 0, 1);
  if (recipe.clip !== null) number("clip", recipe.clip, Number.MIN_VALUE, Number.MAX_VALUE);
  if (!["cosine", "step", "constant"].includes(recipe.schedule))
    throw badTrainOption("schedule", "cosine, step or constant", recipe.schedule);
  if (!["epoch", "step"].includes(recipe.per)) throw badTrainOption("per", "epoch or step", recipe.per);
}

/** @throws {UsageError} `usage/bad-option`, `train-data/bad-option` */
function phaseSettings(
  task: TrainingTask,
  preset: Recipe,
  levels: readonly PhaseRecipe[],
  rateFactor: number,
): PhaseSettings {
  const values = merged(levels);
  const recipe = filled(preset, values);
  checkRecipe(recipe);
  const { steps, freeze = null, augment = true } = values;
  if (typeof freeze === "string" && !Object.hasOwn(frozenParts, freeze))
    throw badTrainOption("freeze", Object.keys(frozenParts).join(" or "), freeze);
  const accumulate = whole("accumulate", values.accumulate ?? 1, 1);
  const losses = checkLosses(task, values.losses);
  if (losses?.patchNames !== undefined && augment !== false)
    throw badTrainOption(
      "augment",
      "false with the loss patchNames, whose patches are those of whole images",
      "others",
    );
  return {
    ...recipe,
    // An explicit rate is not scaled.
    lr: values.lr ?? scaledRate(recipe, recipe.batchSize * accumulate) * rateFactor,
    steps: steps === undefined ? null : whole("steps", steps, 1),
    ...{ accumulate, freeze, augment, losses },
    recompute: values.recompute ?? false,
    prompt: values.prompt ?? null,
    shorten: values.shorten === undefined ? null : number("shorten", values.shorten, 0, 1),
    falseCaptions: checkFalseCaptions(task, values.falseCaptions),
  };
}

/** @throws {UsageError} `usage/bad-option`, `train/lora-option` */
function loraOf(
  task: TrainingTask,
  { lora, init = false, freeze }: TrainOptions,
  { phases, freeze: frozen }: CustomRecipe,
): LoraSettings | null {
  if (lora === undefined) return null;
  const settings = resolveLora(lora);
  if (task === "pretrain") throw refusedWith("task pretrain", "pre-training trains all weights");
  if (init) throw refusedWith("init", "updates of random initial weights fit no other model");
  if ((freeze ?? frozen ?? null) !== null)
    throw refusedWith("freeze", "LoRA freezes all of the model's own weights");
  if (phases) throw refusedWith("phases", "a phase begins with whole weights");
  return settings;
}

/** @throws {UsageError} `usage/bad-option` */
function checkPatchNames({ names, weights }: PatchNames): void {
  if (weights !== undefined && weights.length !== names.length)
    throw badTrainOption("patchNames.weights", `${names.length} numbers, one per name`, weights.length);
  if (new Set(names).size !== names.length)
    throw badTrainOption("patchNames.names", "distinct names", "a name twice");
}

/**
 * Reads `options.recipe` as a custom recipe. A preset is a custom recipe without overrides.
 * @throws {UsageError} `train/recipe`
 */
export async function recipeOf(
  recipe: TrainOptions["recipe"],
  files: Pick<TrainingFiles, "readSmall">,
): Promise<CustomRecipe> {
  if (recipe === undefined) return {};
  if (typeof recipe !== "string") return checkedRecipe("recipe", recipe);
  if (/\.json$/i.test(recipe)) return readRecipe(recipe, (path, most) => files.readSmall(path, most));
  // `resolveSettings` checks the preset's name.
  return { base: recipe as NonNullable<CustomRecipe["base"]> };
}

/** @throws {UsageError} `usage/bad-option`, `train/lora-option` */
export function resolveSettings(
  task: TrainingTask,
  asked: TrainOptions,
  recipe: CustomRecipe,
  validates: boolean,
): Settings {
  const { init = recipe.init, imageSize = recipe.imageSize, seed = recipe.seed } = asked;
  const { batchesPerEpoch = recipe.batchesPerEpoch } = asked;
  const { patchNames = null, phases } = recipe;
  const preset = recipeNamed(task, recipe.base ?? "blip");
  const options = { ...asked, init };
  if (options.saveSteps !== undefined) whole("saveSteps", options.saveSteps, 1);
  const lora = loraOf(task, options, recipe);
  const factor = lora ? loraRate : 1;
  const own = phaseSettings(task, preset, [recipe, options], factor);
  const all = phases?.map((phase) => phaseSettings(task, preset, [recipe, phase, options], factor)) ?? null;
  if (patchNames) checkPatchNames(patchNames);
  else if ([own, ...(all ?? [])].some(({ losses }) => losses?.patchNames !== undefined))
    throw badTrainOption("patchNames", "names of patches for the loss patchNames", "none");
  return {
    ...own,
    ...{ task, model: options.model, init: init ?? false },
    imageSize: imageSize === undefined ? null : whole("imageSize", imageSize, 1),
    lora,
    seed: whole("seed", seed ?? 42, 0),
    batchesPerEpoch: batchesPerEpoch === undefined ? null : whole("batchesPerEpoch", batchesPerEpoch, 1),
    ...{ patchNames, phases: all },
    ...validationSettings(task, options, validates),
  };
}
