// The group of each option, and its default if the option's description does not give it. Help shows both; a test
// checks every option of every verb.
import type { Command, Option } from "commander";

const headings = {
  input: "Images and texts:",
  generation: "Captions and answers:",
  model: "Model:",
  conventions: "Conventions:",
  engine: "Engine:",
  data: "Data:",
  run: "Run:",
  training: "Training:",
  lora: "Low-rank updates:",
  validation: "Validation:",
  files: "Files:",
  samples: "Samples:",
  measures: "Measures:",
  output: "Output:",
} as const;

export type OptionGroup = keyof typeof headings;

export const headingOf = (group: OptionGroup): string => headings[group];

const off = "off";
const none = "none";
const recipe = "the recipe's";
const optional = (group: OptionGroup) => ({ group, standard: none });

interface OptionHelp {
  readonly group: OptionGroup;
  /** The default; left out if the option's description gives it. */
  readonly standard?: string;
}

/** Keyed by an option's last spelling, or by `VERB --option` if a verb's option differs. */
export const optionHelp: Readonly<Record<string, OptionHelp>> = {
  "--text": optional("input"),
  "--texts": optional("input"),
  "--question": optional("input"),
  "--statement": optional("input"),
  "--null": { group: "input", standard: off },
  "--pairs": optional("input"),
  "--window": { group: "input" },
  "--batch-size": { group: "input" },
  "--max-pixels": { group: "input" },
  "--max-text-length": { group: "input" },
  "--frames": { group: "input", standard: off },
  "--by": { group: "input" },
  "-k": { group: "input" },
  "--answers": optional("input"),
  "--states": { group: "input", standard: off },
  "--check": optional("input"),

  "--prompt": { group: "generation", standard: '"a picture of "; none with --compat hf' },
  "--sample": { group: "generation", standard: off },
  "--beams": { group: "generation", standard: "3; 1 with --compat hf and with --sample" },
  "--top-p": { group: "generation", standard: "0.9; 1 with --compat hf" },
  "--top-k": { group: "generation", standard: "50" },
  "--temperature": { group: "generation", standard: "1" },
  "--seed": { group: "generation" },
  "--num-return": { group: "generation", standard: "1" },
  "--max-length": { group: "generation", standard: "20; 30 with --compat lavis; 20 new ones with hf" },
  "ask --max-length": { group: "generation", standard: "10; 20 new ones with --compat hf" },
  "eval --max-length": { group: "generation", standard: "the task's, as with blip caption and blip ask" },
  "--min-length": { group: "generation", standard: "5; 10 with --compat lavis; 0 with hf" },
  "ask --min-length": { group: "generation", standard: "1; 0 with --compat hf" },
  "eval --min-length": { group: "generation", standard: "the task's, as with blip caption and blip ask" },
  "--repetition-penalty": { group: "generation", standard: "1; with --sample 1.1, but 1 with --compat hf" },
  "eval --repetition-penalty": {
    group: "generation",
    standard: "1; 1.1 for nocaps and with --sample, but 1 with --compat hf",
  },
  "--no-repeat-ngram": { group: "generation", standard: "0, which forbids none" },
  "--generation-config": { group: "generation" },
  "--score": { group: "generation", standard: off },
  "--match-model": optional("generation"),

  "--model": { group: "model" },
  "--adapter": optional("model"),
  "--revision": { group: "model", standard: "main" },
  "--offline": { group: "model", standard: off },
  "--allow-private-redirects": { group: "model" },
  "--load": { group: "model" },
  "--task": { group: "model", standard: "the only one" },
  "--captioner": { group: "model" },
  "--filter": { group: "model" },
  "--text-heads": {
    group: "model",
    standard: "12 if the text model is 768 wide, otherwise the value in config.json",
  },

  "--compat": { group: "conventions" },
  "--orientation": { group: "conventions", standard: "upright; stored with --compat hf" },
  "--grey16": { group: "conventions" },
  "--pillow-order": { group: "conventions", standard: "10; 13 with --compat hf" },
  "--image-size": { group: "conventions" },

  "--dtype": { group: "engine" },
  "--device": { group: "engine" },
  "--threads": { group: "engine" },
  "--memory": { group: "engine" },
  "--profile": optional("engine"),

  "--images": { group: "data" },
  "--annotations": optional("data"),
  "--split": optional("data"),
  "--format": { group: "data", standard: "detected from the content" },
  "--data-format": { group: "data", standard: "detected from the content" },
  "--column": { group: "data", standard: "the usual names" },
  "--video": { group: "data", standard: off },
  "--allow-outside": { group: "data", standard: "they are refused" },
  "--limit": { group: "data", standard: "all" },
  "--things": optional("data"),
  "eval --answers": optional("data"),
  "eval -k": { group: "run" },
  "--states-cache": { group: "run" },

  "--out": { group: "run" },
  "--restart": { group: "run", standard: off },
  "--resume": { group: "run", standard: off },
  "--save-steps": { group: "run" },
  "--workers": { group: "run" },
  "--html": { group: "run" },
  "--threshold": { group: "run" },
  "capfilt --batch-size": { group: "run" },
  "train --seed": { group: "run" },

  "--recipe": { group: "training" },
  "--epochs": { group: "training", standard: recipe },
  "train --batch-size": { group: "training", standard: recipe },
  "--accumulate": { group: "training" },
  "--lr": { group: "training" },
  "--init": { group: "training", standard: off },
  "--freeze": { group: "training", standard: "everything is trained" },
  "--recompute": { group: "training", standard: off },
  "--no-augment": { group: "training", standard: "images are augmented" },
  "train --prompt": { group: "training" },
  "--shorten": { group: "training" },
  "--false-captions": { group: "training", standard: off },
  "--clip": { group: "training", standard: recipe },
  "--decay": { group: "training", standard: recipe },
  "--dropout": { group: "training", standard: recipe },
  "--drop-path": { group: "training", standard: `${recipe}; ViT-L: 0.1` },
  "--queue": { group: "training", standard: recipe },
  "--alpha": { group: "training", standard: recipe },
  "--momentum": { group: "training", standard: recipe },
  "--warm-up": { group: "training", standard: recipe },
  "--batches-per-epoch": { group: "training", standard: "one pass over the data" },

  "--lora": { group: "lora", standard: "none: the weights themselves are trained" },
  "--lora-alpha": { group: "lora" },
  "--lora-targets": { group: "lora" },
  "--lora-dropout": { group: "lora", standard: "0" },
  "--lora-save": optional("lora"),

  "--val": optional("validation"),
  "--val-split": optional("validation"),
  "--val-annotations": optional("validation"),
  "--val-limit": { group: "validation" },
  "--val-beams": { group: "validation" },
  "--val-steps": { group: "validation", standard: "each epoch's end" },
  "--best-by": { group: "validation" },
  "--patience": { group: "validation", standard: "none: training runs to its end" },

  "export --task": { group: "files" },
  "--suite": optional("files"),
  "--self-contained": { group: "files", standard: off },
  "--standard-operators": { group: "files", standard: off },
  "capfilt --format": { group: "files" },
  "quantize --dtype": { group: "files" },
  "--graph": optional("output"),

  "--all": { group: "samples", standard: off },
  "verify --images": { group: "samples", standard: "none: samples without an image are skipped" },
  "--fetch": { group: "samples", standard: off },
  "--as": { group: "samples", standard: "by its name" },

  "--row": { group: "measures" },
  "--runs": { group: "measures" },

  "--submission": { group: "output", standard: "none; nocaps: beside the report" },
  "--json": { group: "output", standard: off },
  "--jsonl": { group: "output", standard: off },
  "--quiet": { group: "output", standard: off },
};

/** The help entry of a verb's option. */
export const helpOf = (verb: string, option: Option): OptionHelp | undefined => {
  const name = option.long ?? option.short ?? "";
  return optionHelp[`${verb} ${name}`] ?? optionHelp[name];
};

/** Whether an option's description gives its default. */
export const saysDefault = ({ description, defaultValue, mandatory }: Option): boolean =>
  mandatory || defaultValue !== undefined || /\bdefault\b/.test(description);

/** Puts a verb's options into their groups and adds their defaults. */
export function describeOptions(command: Command): void {
  for (const option of command.options) {
    const help = helpOf(command.name(), option);
    if (!help) continue;
    option.helpGroup(headingOf(help.group));
    if (option.mandatory) option.description += " (required)";
    else if (!saysDefault(option) && help.standard !== undefined)
      option.description += ` (default: ${help.standard})`;
  }
}
