// `blip train --lora RANK` and related options.
import type { LoraOptions } from "blip-ts/train";
import { Option, type Command } from "commander";
import { anyNumber, positiveInteger } from "./common-options.ts";
import { needsFlag } from "./errors.ts";

export interface LoraFlags {
  readonly lora?: number;
  readonly loraAlpha?: number;
  readonly loraTargets?: readonly string[];
  readonly loraDropout?: number;
  readonly loraSave?: readonly string[];
}

/** query,value -> ["query", "value"] */
const names = (text: string): string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

export const addLoraOptions = (command: Command): Command =>
  command
    .addOption(
      new Option(
        "--lora <RANK>",
        "train an adapter of this rank instead of the weights; model/ is then a PEFT folder for --adapter",
      ).argParser(positiveInteger("--lora")),
    )
    .addOption(
      new Option("--lora-alpha <A>", "updates are multiplied by A / RANK (default: RANK)").argParser(
        anyNumber("--lora-alpha"),
      ),
    )
    .addOption(
      new Option(
        "--lora-targets <NAMES>",
        "the matrices, by the ends of transformers' names: query,value,qkv (default: query,value)",
      ).argParser(names),
    )
    .addOption(
      new Option("--lora-dropout <X>", "dropout rate of the updates' inputs").argParser(
        anyNumber("--lora-dropout"),
      ),
    )
    .addOption(
      new Option("--lora-save <NAMES>", "modules that are also trained, as a whole: itm_head").argParser(
        names,
      ),
    );

/** @throws {UsageError} `usage/bad-option` */
export function loraOf(flags: LoraFlags): LoraOptions | undefined {
  const { lora: rank, loraAlpha: alpha, loraTargets: targets } = flags;
  const { loraDropout: dropout, loraSave: modulesToSave } = flags;
  if (rank !== undefined) return { rank, alpha, targets, dropout, modulesToSave };
  const belonging = {
    "--lora-alpha": alpha,
    "--lora-targets": targets,
    "--lora-dropout": dropout,
    "--lora-save": modulesToSave,
  };
  const alone = Object.entries(belonging).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (alone.length > 0) throw needsFlag(alone.join(", "), "--lora RANK", alone.length > 1 ? "them" : "it");
  return undefined;
}
