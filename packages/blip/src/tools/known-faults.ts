// Detects known faults of released BLIP files. The number of text heads is checked when the configuration is read.
import type { Warning } from "@blip-ts/base";
import { decoderToken } from "../load/special-tokens.ts";
import { readTokenizer, type OpenedModel } from "../load/open-model.ts";
import { preTrainedCaptioner, specialTokensMissing, visionEpsilon } from "./errors.ts";

/** The text width of all models released by Salesforce. */
const salesforceTextWidth = 768;

const visionEps = (json: unknown): number | undefined => {
  const vision = (json as { vision_config?: { layer_norm_eps?: unknown } } | undefined)?.vision_config;
  return json === undefined
    ? undefined
    : typeof vision?.layer_norm_eps === "number"
      ? vision.layer_norm_eps
      : 1e-5;
};

/** Detects transformers' epsilon of 1e-5 for weights that were trained with 1e-6 (LAVIS issue 106). */
function epsilonFault({ architecture }: OpenedModel, json: unknown): Warning[] {
  const eps = visionEps(json);
  if (architecture.text?.hiddenSize !== salesforceTextWidth || eps === undefined || eps === 1e-6) return [];
  return [visionEpsilon(eps, eps === 1e-5)];
}

/** Detects a BERT vocabulary without BLIP's own tokens. */
async function tokenFault(
  opened: OpenedModel,
  json: unknown,
  bundled: () => Promise<string>,
): Promise<Warning[]> {
  const { vocabulary } = await readTokenizer(opened.files, opened.architecture.text?.vocabSize, bundled);
  const lacking = ["[DEC]", "[ENC]"].filter((token) => !vocabulary.has(token));
  if (lacking.length === 0) return [];
  const dec = vocabulary.get("[DEC]") ?? decoderToken(json);
  return [specialTokensMissing(lacking, dec, vocabulary.get("[ENC]") ?? dec + 1)];
}

/** Detects a captioner of the paper's size that was not fine-tuned on COCO captions. */
function pretrainedFault({ files, tasks, architecture }: OpenedModel): Warning[] {
  if (!tasks.tasks.includes("caption")) return [];
  const hub = /blip-image-captioning-(?:base|large)(?:[/\\]|$)/.test(files.name);
  const paperSized = architecture.text?.hiddenSize === salesforceTextWidth;
  const pretrained = paperSized && tasks.tasks.includes("pretrain");
  // Salesforce's captioning models are fine-tuned at 384 pixels; pre-training uses 224.
  const small = paperSized && architecture.vision?.imageSize === 224;
  if (!hub && !pretrained && !small) return [];
  const why = hub
    ? "the Hub's blip-image-captioning files were converted from pre-trained checkpoints"
    : pretrained
      ? "it has all heads of pre-training"
      : "its images have 224 pixels, those of fine-tuned captioning models have 384";
  return [preTrainedCaptioner(why)];
}

/** The known faults of a model's files. @throws {ModelError} if the vocabulary cannot be used */
export async function knownFaults(
  opened: OpenedModel,
  json: unknown,
  bundled: () => Promise<string>,
): Promise<Warning[]> {
  return [
    ...epsilonFault(opened, json),
    ...(await tokenFault(opened, json, bundled)),
    ...pretrainedFault(opened),
  ];
}
