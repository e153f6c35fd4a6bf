// From a path or id to a network that is ready for matching.
import { checkRequired } from "../checkpoint/requirements.ts";
import type { IntendedGap } from "../checkpoint/intended-gaps.ts";
import type { Compat, EngineOptions, Platform, SourceOptions, Warning } from "../platform.ts";
import type { BlipConfig } from "../model/config.ts";
import { badOption, noEncToken } from "./errors.ts";
import { ImageTextRetrieval, retrievalWeights } from "./image-text-retrieval.ts";
import { Network } from "./network.ts";
import { expectTask, openModel, readJson, readTokenizer, type OpenedModel } from "./open-model.ts";
import { readConfig, type TextHeads } from "./read-config.ts";

export interface ModelOptions extends SourceOptions, EngineOptions {
  /** Whose conventions where the references differ: `hf` unless told. */
  readonly compat?: Compat | undefined;
  /** Attention heads of the text model; without it, 12 where it is 768 wide, else as config.json says. */
  readonly textHeads?: TextHeads | undefined;
}

/** Heads of other tasks, which a file may have and matching does not use. */
const otherHeads: readonly IntendedGap[] = [
  { pattern: /^text_decoder\./, reason: "decoder, for captions and answers" },
  { pattern: /^cls_head\./, reason: "head of NLVR2" },
];

const compats: readonly Compat[] = ["hf", "blip", "lavis"];

/** @throws {UsageError} `usage/bad-option`, listing the valid ones */
export function checkModelOptions({ compat, textHeads }: ModelOptions): void {
  if (compat !== undefined && !compats.includes(compat)) throw badOption("compat", compat, compats);
  if (typeof textHeads === "number" && !(Number.isSafeInteger(textHeads) && textHeads > 0))
    throw badOption("textHeads", textHeads, ["config", "a positive whole number"]);
  if (typeof textHeads === "string" && (textHeads as string) !== "config")
    throw badOption("textHeads", textHeads, ["config", "a positive whole number"]);
}

/** The id that stands first where a text looks at an image: [CLS] stays for `hf`, else it is [ENC]. */
async function firstToken(
  opened: OpenedModel,
  json: unknown,
  config: BlipConfig,
  compat: Compat,
  bundled: () => Promise<string>,
): Promise<number | undefined> {
  if (compat === "hf") return undefined;
  const { vocabulary } = await readTokenizer(opened.files, config.text.vocabSize, bundled);
  const known = vocabulary.get("[ENC]");
  if (known !== undefined) return known;
  const id = decoderToken(json) + 1;
  if (id >= config.text.vocabSize) throw noEncToken(opened.files.name, id, config.text.vocabSize);
  return id;
}

/** [DEC], where the vocabulary does not name it: text_config.bos_token_id, 30522 in every released model. */
function decoderToken(json: unknown): number {
  const text = (json as { text_config?: { bos_token_id?: unknown } } | undefined)?.text_config;
  return typeof text?.bos_token_id === "number" ? text.bos_token_id : 30522;
}

/**
 * Opens a model for matching.
 * @throws {ModelError} where it cannot be found, read, or used for matching
 * @throws {UsageError} where an option is wrong
 */
export async function loadRetrieval(
  platform: Platform<never>,
  source: string,
  options: ModelOptions = {},
): Promise<{
  readonly model: ImageTextRetrieval;
  readonly opened: OpenedModel;
  readonly warnings: readonly Warning[];
}> {
  checkModelOptions(options);
  const opened = await openModel(await platform.openModel(source, options));
  return { opened, ...(await retrievalOf(platform, opened, options)) };
}

/** Matching with a model that is open. */
export async function retrievalOf(
  platform: Platform<never>,
  opened: OpenedModel,
  options: ModelOptions,
): Promise<{ readonly model: ImageTextRetrieval; readonly warnings: readonly Warning[] }> {
  expectTask(opened, "match");
  const { vision, text, jointEmbedding } = opened.architecture;
  if (!vision || !text || jointEmbedding === undefined)
    throw new Error(`${opened.files.name} can match, so that it has these sizes`);
  const { compat = "hf" } = options;
  const json = await readJson(opened.files, "config.json");
  const name = json === undefined ? opened.files.name : `${opened.files.name}/config.json`;
  const { config, warnings } = readConfig(name, { vision, text, jointEmbedding }, json, {
    compat,
    textHeads: options.textHeads,
  });
  checkRequired(opened.tensors, retrievalWeights(config), otherHeads);
  const first = await firstToken(opened, json, config, compat, () => platform.bundledVocabulary());
  const warn = options.onWarning ?? ((warning: Warning) => platform.warn(warning));
  warnings.forEach(warn);
  const network = new Network(config, opened.tensors, platform.createEngine(options));
  return { model: new ImageTextRetrieval(network, first), warnings };
}
