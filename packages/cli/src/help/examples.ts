// Examples at the end of each verb's help: the plain verb, and one example per group of its options.
import type { Command } from "commander";
import { helpOf, headingOf, type OptionGroup } from "./option-help.ts";

/** A complete call of each verb. */
const calls: Readonly<Record<string, string>> = {
  match: 'blip match photo.jpg -t "a dog on a beach"',
  caption: "blip caption photos/",
  ask: 'blip ask photo.jpg -q "how many people are there?"',
  compare: 'blip compare left.jpg right.jpg -s "both images show a dog"',
  embed: 'blip embed photos/ -t "a dog"',
  retrieve: 'blip retrieve photos/ -t "a dog on a beach"',
  inspect: "blip inspect Salesforce/blip-itm-base-flickr",
  convert: "blip convert model_base_retrieval_flickr.pth flickr/",
  export: "blip export Salesforce/blip-image-captioning-base onnx/ --task caption",
  quantize: "blip quantize Salesforce/blip-itm-base-flickr small/",
  verify: "blip verify Salesforce/blip-itm-base-flickr",
  eval: "blip eval retrieval flickr30k_test.json",
  bench: "blip bench",
  train: "blip train caption captions.csv --out run/",
  capfilt: "blip capfilt pairs.jsonl run/",
  completion: "blip completion bash > ~/.local/share/bash-completion/completions/blip",
};

/** Possible additions to a call that show a group; the first one that the verb supports is used. */
const additions: Readonly<Record<OptionGroup, readonly string[]>> = {
  input: ["--batch-size 16", "--max-pixels 20000000", '--check photo.jpg -t "a dog"'],
  generation: ["--beams 5 --max-length 40", "--top-p 0.8"],
  model: [
    "--model Salesforce/blip-itm-base-coco",
    "--captioner Salesforce/blip-image-captioning-large",
    "--task match",
    "--revision main",
  ],
  conventions: ["--compat hf", "--text-heads config", "--image-size 224"],
  engine: ["--dtype int8 --threads 4", "--threads 4", "--dtype fp16"],
  data: ["--images photos/"],
  run: ["--out report.json --restart", "--resume --save-steps 100", "--threshold 0.6 --html 20"],
  training: ["--recipe few --epochs 10"],
  lora: ["--lora 8 --lora-alpha 16"],
  validation: ["--val val.csv --patience 3"],
  files: ["--self-contained", "--format parquet", "--dtype fp16", "--suite both/"],
  samples: ["--images samples/ --fetch"],
  measures: ["--row caption --runs 3"],
  output: ["--json", "--quiet"],
};

/** Calls whose addition needs other arguments. */
const whole: Readonly<Record<string, string>> = {
  "convert --suite both/": "blip convert --suite both/ match=flickr/ ask=vqa/",
  "convert --task match": "blip convert pretrained.pth flickr/ --task match",
};

/** The groups of a verb's options, in order. */
export const groupsOf = (command: Command): OptionGroup[] => [
  ...new Set(command.options.flatMap((option) => helpOf(command.name(), option)?.group ?? [])),
];

const optionsIn = (text: string) => text.split(" ").filter((word) => /^--?[a-z]/i.test(word));

/** An example of a group of a verb's options; undefined if there is none. */
export function exampleOf(command: Command, group: OptionGroup): string | undefined {
  const verb = command.name();
  const spellings = (flag: string) =>
    command.options.find((option) => option.long === flag || option.short === flag);
  const addition = additions[group].find((text) => {
    const found = optionsIn(text).map(spellings);
    const [first] = found;
    return first !== undefined && !found.includes(undefined) && helpOf(verb, first)?.group === group;
  });
  if (addition === undefined) return undefined;
  return whole[`${verb} ${addition}`] ?? `${calls[verb] ?? `blip ${verb}`} ${addition}`;
}

/** The lines of a verb's examples. */
export function exampleLines(command: Command): string[] {
  const call = calls[command.name()];
  const ofGroups = groupsOf(command).flatMap((group) => {
    const line = exampleOf(command, group);
    return line === undefined
      ? []
      : [`  ${line}`, `      ${headingOf(group).replace(":", "").toLowerCase()}`];
  });
  return ["Examples:", ...(call === undefined ? [] : [`  ${call}`]), ...ofGroups];
}

/** Examples with the name under which the user called the program, `npx blip-ts match ...`. */
export const calledAs = (program: Command, examples: string): string =>
  examples.replaceAll(/^( *)blip /gm, (_, indent: string) => `${indent}${program.name()} `);

export const addExamples = (command: Command): Command =>
  command.addHelpText("after", () => {
    const lines = exampleLines(command).join("\n");
    return `\n${command.parent ? calledAs(command.parent, lines) : lines}`;
  });

/** Examples of the program itself. */
export const programExamples = [
  "Examples:",
  '  blip match photo.jpg -t "a dog" -t "a cat" --model Salesforce/blip-itm-base-flickr',
  "  blip caption photos/ --model Salesforce/blip-image-captioning-base --jsonl",
  "  blip match --help",
].join("\n");
