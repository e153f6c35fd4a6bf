// BLIP's objectives with BLIP's numbers (train_retrieval.py, train_caption.py, train_vqa.py, train_nlvr.py,
// pretrain.py).
import type { Warning } from "@blip-ts/base";
import type { BlipConfig } from "../../model/config.ts";
import type { CaptionBatch, ImageBatch, PairBatch, QuestionBatch, StatementBatch } from "./batches.ts";
import { answers } from "./answers.ts";
import { compose, type ComposedObjective, type WeightedPart } from "./compose.ts";
import { contrast, rampedAlpha } from "./contrast.ts";
import { KeyQueue, queueLength } from "./key-queue.ts";
import { language } from "./language.ts";
import { matching } from "./matching.ts";
import type { LossPart } from "./part.ts";
import { statements } from "./statements.ts";
import { blipTokens, type SpecialTokens } from "./token-rows.ts";

/** Loss weights, by the names that recipes use. */
type OwnWeights = Readonly<Partial<Record<"itc" | "itm" | "lm" | "nlvr", number | undefined>>>;

/** Options of all objectives. */
export interface TaskOptions<Batch extends ImageBatch> {
  /** B */
  readonly batch: number;
  /** S, in pixels. Default: the config's. */
  readonly imageSize?: number;
  /** Default: 0.1, as in BLIP's BERT. */
  readonly dropout?: number;
  /** Default: 0; 0.1 for VQA and NLVR2. */
  readonly dropPath?: number;
  /** The number of tokens to truncate to. Default: match 35, pretrain 30, caption 40, vqa 35, nlvr no limit. */
  readonly maxLength?: number;
  /** The special tokens. Default: those of BLIP's tokenizer. */
  readonly tokens?: SpecialTokens;
  /** The weights of the task's own losses. Default: 1 each. */
  readonly losses?: OwnWeights;
  /** Additional losses over the same images. */
  readonly more?: readonly WeightedPart<Batch>[];
}

export interface ContrastiveOptions<Batch extends ImageBatch> extends TaskOptions<Batch> {
  /** Q. Default: 57,600. */
  readonly queue?: number;
  /** The number of samples of the data set, if known. It limits the queue's length. */
  readonly samples: number | undefined;
  /** The share of soft targets after the ramp. Default: 0.4. */
  readonly alpha?: number;
  /** The number of steps over which alpha grows from 0: one epoch in retrieval, two in pre-training. */
  readonly rampSteps: number;
  /** The seed of the queue's initial random vectors. */
  readonly seed: number;
  /** Whether ITM uses `falseTokens` as negatives. Default: false. */
  readonly falseCaptions?: boolean | undefined;
  readonly warn?: (warning: Warning) => void;
}

const rowsFor = (
  { maxLength, tokens = blipTokens }: { readonly maxLength?: number; readonly tokens?: SpecialTokens },
  length: number,
) => ({
  padding: tokens.padding,
  maxLength: maxLength ?? length,
});

function queueFor<Batch extends ImageBatch>(
  { jointEmbedding }: BlipConfig,
  { queue = 57_600, batch, samples, seed, warn }: ContrastiveOptions<Batch>,
): KeyQueue {
  return new KeyQueue(queueLength({ asked: queue, batch, samples }, warn), jointEmbedding, seed);
}

const shared = <Batch extends ImageBatch>({
  batch,
  imageSize,
  dropout = 0.1,
  dropPath = 0,
}: TaskOptions<Batch>) => ({
  ...{ batch, dropout, dropPath },
  ...(imageSize !== undefined && { imageSize }),
});

const weighted = <Batch extends ImageBatch>(part: LossPart<Batch>, weight = 1): WeightedPart<Batch> => ({
  part,
  weight,
});

/** `match`: BLIP's fine-tuning for retrieval, ITC and ITM. */
export function matchObjective(
  config: BlipConfig,
  options: ContrastiveOptions<PairBatch>,
): ComposedObjective<PairBatch> {
  const { tokens = blipTokens, alpha = 0.4, rampSteps, more = [], losses = {} } = options;
  const { falseCaptions = false } = options;
  const rows = rowsFor(options, 35);
  const queue = queueFor(config, options);
  const parts = [
    weighted(contrast({ queue, alpha: rampedAlpha(alpha, rampSteps), positives: "image", rows }), losses.itc),
    weighted(matching({ keys: "online", floor: 0, falseCaptions, rows, tokens }), losses.itm),
  ];
  return compose(config, { name: "match", parts: [...parts, ...more], ...shared(options) });
}

/**
 * Ties the text encoder's weights to the decoder's in pre-training: all but self-attention
 * (models/blip_pretrain.py `tie_encoder_decoder_weights`).
 */
export function pretrainTies(names: Iterable<string>): Record<string, string> {
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const path = name.startsWith("text_encoder.") ? name.slice("text_encoder".length) : undefined;
      return path === undefined || path.includes(".attention.") ? [] : [[name, `text_decoder.bert${path}`]];
    }),
  );
}

/** `pretrain`: ITC, ITM and LM over the same pairs, by default with weight 1 each. */
export function pretrainObjective(
  config: BlipConfig,
  options: ContrastiveOptions<PairBatch>,
): ComposedObjective<PairBatch> {
  const { tokens = blipTokens, alpha = 0.4, rampSteps, more = [], losses = {} } = options;
  const { falseCaptions = false } = options;
  const rows = rowsFor(options, 30);
  const queue = queueFor(config, options);
  const parts = [
    weighted(contrast({ queue, alpha: rampedAlpha(alpha, rampSteps), positives: "pair", rows }), losses.itc),
    weighted(matching({ keys: "momentum", floor: 1e-4, falseCaptions, rows, tokens }), losses.itm),
    weighted(language({ rows, tokens }), losses.lm),
    ...more,
  ];
  return compose(config, { name: "pretrain", parts, ties: pretrainTies, ...shared(options) });
}

/** `caption`: LM after a prompt. */
export function captionObjective(
  config: BlipConfig,
  options: TaskOptions<CaptionBatch>,
): ComposedObjective<CaptionBatch> {
  const { tokens = blipTokens, more = [], losses = {} } = options;
  const part = language({ rows: rowsFor(options, 40), tokens });
  return compose(config, {
    name: "caption",
    parts: [weighted(part, losses.lm), ...more],
    ...shared(options),
  });
}

/** `vqa`: the weighted LM loss of the answers. */
export function vqaObjective(
  config: BlipConfig,
  options: TaskOptions<QuestionBatch>,
): ComposedObjective<QuestionBatch> {
  const { tokens = blipTokens, more = [], losses = {} } = options;
  const part = answers({ rows: rowsFor(options, 35), tokens });
  return compose(config, {
    ...{ name: "vqa", parts: [weighted(part, losses.lm), ...more] },
    ...shared({ dropPath: 0.1, ...options }),
  });
}

/** `nlvr`: classifies whether statements about two images are true. */
export function nlvrObjective(
  config: BlipConfig,
  options: TaskOptions<StatementBatch>,
): ComposedObjective<StatementBatch> {
  const { tokens = blipTokens, more = [], losses = {} } = options;
  const part = statements({ rows: rowsFor(options, Infinity), tokens });
  return compose(config, {
    ...{ name: "nlvr", parts: [weighted(part, losses.nlvr), ...more], images: 2 },
    ...shared({ dropPath: 0.1, ...options }),
  });
}
