// The settings of LoRA: which weights it trains, and how (arXiv 2106.09685; PEFT's LoraConfig).
import { badLoraOption } from "./errors.ts";

/** Options to train adapters (LoRA, arXiv 2106.09685). */
export interface LoraOptions {
  /** The rank r of the updates, at least 1. Usual values are 8 and 16. */
  readonly rank: number;
  /** Updates are multiplied by alpha / rank. Default: the rank. */
  readonly alpha?: number | undefined;
  /**
   * The matrices that get an update, as endings of module paths in transformers' class for the task (`qkv`,
   * `text_decoder.bert.encoder.layer.0.attention.self.query`). Default: `query` and `value` of all text layers.
   */
  readonly targets?: readonly string[] | undefined;
  /** The dropout rate of the updates' inputs, from 0 to below 1. Default: 0. */
  readonly dropout?: number | undefined;
  /** Multiplies updates by alpha / sqrt(rank) instead (arXiv 2312.03732). Default: false. */
  readonly rslora?: boolean | undefined;
  /** Modules that are trained whole and saved with the adapter, for example `itm_head`. Default: none. */
  readonly modulesToSave?: readonly string[] | undefined;
}

/** `LoraOptions` with every default filled in. */
export interface LoraSettings {
  readonly rank: number;
  readonly alpha: number;
  readonly targets: readonly string[];
  readonly dropout: number;
  readonly rslora: boolean;
  readonly modulesToSave: readonly string[];
}

/** The maximum rank: above the number of rows of any BLIP matrix. */
const maxRank = 65_536;

const plainName = /^[\w-]+(\.[\w-]+)*$/;

function names(name: string, list: readonly string[]): readonly string[] {
  for (const one of list)
    if (typeof one !== "string" || !plainName.test(one))
      throw badLoraOption(name, "names of modules, such as query or itm_head", one);
  return [...new Set(list)];
}

/** @throws {UsageError} `usage/bad-option` */
export function resolveLora({
  rank,
  alpha = rank,
  targets = ["query", "value"],
  dropout = 0,
  rslora = false,
  modulesToSave = [],
}: LoraOptions): LoraSettings {
  if (!Number.isSafeInteger(rank) || rank < 1 || rank > maxRank)
    throw badLoraOption("rank", `a whole number from 1 to ${maxRank}`, rank);
  if (!Number.isFinite(alpha) || alpha <= 0) throw badLoraOption("alpha", "a number above 0", alpha);
  if (!(dropout >= 0 && dropout < 1)) throw badLoraOption("dropout", "a number from 0 to below 1", dropout);
  if (targets.length === 0) throw badLoraOption("targets", "at least one name", "none");
  return {
    ...{ rank, alpha, dropout, rslora },
    targets: names("targets", targets),
    modulesToSave: names("modulesToSave", modulesToSave),
  };
}
