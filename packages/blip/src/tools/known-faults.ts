// What released BLIP files are known to get wrong, and what each means for who uses them. Heads are decided, and warned
// about, where the configuration is read.
import type { Warning } from "@blip-ts/base";
import { decoderToken } from "../load/special-tokens.ts";
import { readTokenizer, type OpenedModel } from "../load/open-model.ts";

/** The text width of every model that Salesforce released. */
const salesforceTextWidth = 768;

const visionEps = (json: unknown): number | undefined => {
  const vision = (json as { vision_config?: { layer_norm_eps?: unknown } } | undefined)?.vision_config;
  return json === undefined
    ? undefined
    : typeof vision?.layer_norm_eps === "number"
      ? vision.layer_norm_eps
      : 1e-5;
};

/** transformers' 1e-5 where the weights were trained with 1e-6 (LAVIS issue 106). */
function epsilonFault({ architecture }: OpenedModel, json: unknown): Warning[] {
  const eps = visionEps(json);
  if (architecture.text?.hiddenSize !== salesforceTextWidth || eps === undefined || eps === 1e-6) return [];
  return [
    {
      code: "fault/vision-eps",
      message:
        `config.json ${eps === 1e-5 ? "gives" : "says"} ${eps} for the vision LayerNorms' epsilon, the weights were trained with 1e-6: ` +
        "compat hf computes with config.json's, as transformers does, all other modes with 1e-6; ITM logits differ by about 3e-4",
    },
  ];
}

/** Vocabularies of BERT, which know neither of BLIP's own tokens. */
async function tokenFault(
  opened: OpenedModel,
  json: unknown,
  bundled: () => Promise<string>,
): Promise<Warning[]> {
  const { vocabulary } = await readTokenizer(opened.files, opened.architecture.text?.vocabSize, bundled);
  const lacking = ["[DEC]", "[ENC]"].filter((token) => !vocabulary.has(token));
  if (lacking.length === 0) return [];
  const dec = vocabulary.get("[DEC]") ?? decoderToken(json);
  return [
    {
      code: "fault/special-tokens",
      message:
        `the vocabulary lacks ${lacking.join(" and ")}, with which texts that look at an image begin: their ids are taken to be ` +
        `${dec} and ${vocabulary.get("[ENC]") ?? dec + 1} (text_config.bos_token_id and the one after it)`,
    },
  ];
}

/** Captions of a file of the paper's size that was never fine-tuned on captions of photographs. */
function pretrainedFault({ files, tasks, architecture }: OpenedModel): Warning[] {
  if (!tasks.tasks.includes("caption")) return [];
  const hub = /blip-image-captioning-(?:base|large)(?:[/\\]|$)/.test(files.name);
  const paperSized = architecture.text?.hiddenSize === salesforceTextWidth;
  const pretrained = paperSized && tasks.tasks.includes("pretrain");
  // Salesforce's captioning models are fine-tuned at 384 pixels, pre-training is done at 224.
  const small = paperSized && architecture.vision?.imageSize === 224;
  if (!hub && !pretrained && !small) return [];
  const why = hub
    ? "the Hub's blip-image-captioning files were converted from pre-trained checkpoints"
    : pretrained
      ? "it carries all heads of pre-training"
      : "its images are of 224 pixels, those of fine-tuned captioning models of 384";
  return [
    {
      code: "fault/pre-trained-captioner",
      message:
        `this seems to be a pre-trained model, not one fine-tuned on COCO captions: ${why}. Its captions are fine to read; ` +
        "the paper's caption scores (CIDEr 133) are of model_base_caption_capfilt_large.pth",
    },
  ];
}

/** What is known to be wrong with files like this one. @throws {ModelError} where its vocabulary cannot be used */
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
