// Tensors that files carry and that no task needs, declared with the reason: strict loading knows these and no others.

/** Names that may be there without being used. */
export interface IntendedGap {
  readonly pattern: RegExp;
  readonly reason: string;
}

/** A tensor that was left out by declaration. */
export interface IgnoredTensor {
  readonly name: string;
  readonly reason: string;
}

/** What training leaves in a file (models/blip_retrieval.py, models/blip_pretrain.py; LAVIS) and saved buffers. */
export const TRAINING_LEFTOVERS: readonly IntendedGap[] = [
  {
    pattern: /^(?:visual_encoder|vision_model|text_encoder|vision_proj|text_proj)_m\./,
    reason: "momentum copy, used in training only",
  },
  { pattern: /^(?:image|text|idx)_queue$/, reason: "queue of the contrastive loss, used in training only" },
  { pattern: /^(?:queue_ptr|ptr_queue)$/, reason: "position in the queue, used in training only" },
  { pattern: /^temp$/, reason: "temperature of the contrastive loss, used in training only" },
  {
    pattern: /^(?:text_encoder|text_decoder\.bert|text_model)\.embeddings\.position_ids$/,
    reason: "buffer of the numbers from 0, which is made when it is needed",
  },
];

/** The reason why `name` may be left out, or `undefined`. */
export function intendedReason(gaps: readonly IntendedGap[], name: string): string | undefined {
  return gaps.find(({ pattern }) => pattern.test(name))?.reason;
}
