// Tensors that files carry and that no task needs, declared with the reason: strict loading knows these and no others.

/** Names that may be there without being used. */
export interface IntendedGap {
  readonly covers: (name: string) => boolean;
  readonly reason: string;
}

/** A tensor that was left out by declaration. */
export interface IgnoredTensor {
  readonly name: string;
  readonly reason: string;
}

/** All names below one of these modules. */
export const below =
  (...modules: readonly string[]): IntendedGap["covers"] =>
  (name) =>
    modules.some((module) => name.startsWith(`${module}.`));

/** These names and no others. */
export const exactly =
  (...names: readonly string[]): IntendedGap["covers"] =>
  (name) =>
    names.includes(name);

/** What training leaves in a file (models/blip_retrieval.py, models/blip_pretrain.py; LAVIS) and saved buffers. */
export const TRAINING_LEFTOVERS: readonly IntendedGap[] = [
  {
    covers: below("visual_encoder_m", "vision_model_m", "text_encoder_m", "vision_proj_m", "text_proj_m"),
    reason: "momentum copy, used in training only",
  },
  {
    covers: exactly("image_queue", "text_queue", "idx_queue"),
    reason: "queue of the contrastive loss, used in training only",
  },
  { covers: exactly("queue_ptr", "ptr_queue"), reason: "position in the queue, used in training only" },
  { covers: exactly("temp"), reason: "temperature of the contrastive loss, used in training only" },
  {
    covers: exactly(
      ...["text_encoder", "text_decoder.bert", "text_model"].map(
        (module) => `${module}.embeddings.position_ids`,
      ),
    ),
    reason: "buffer of the numbers from 0, which is made when it is needed",
  },
];

/** The reason why `name` may be left out, or `undefined`. */
export function intendedReason(gaps: readonly IntendedGap[], name: string): string | undefined {
  return gaps.find(({ covers }) => covers(name))?.reason;
}
