// Declares tensors that files contain but no task needs, with a reason. Strict loading allows these and no others.

/** Names that a file may contain without use. */
export interface IntendedGap {
  readonly covers: (name: string) => boolean;
  readonly reason: string;
}

/** A tensor that was ignored because of an `IntendedGap`. */
export interface IgnoredTensor {
  readonly name: string;
  readonly reason: string;
}

/** Covers all names below any of the modules. */
export const below =
  (...modules: readonly string[]): IntendedGap["covers"] =>
  (name) =>
    modules.some((module) => name.startsWith(`${module}.`));

/** Covers exactly the given names. */
export const exactly =
  (...names: readonly string[]): IntendedGap["covers"] =>
  (name) =>
    names.includes(name);

/** Leftovers of training (models/blip_retrieval.py, models/blip_pretrain.py; LAVIS) and saved buffers. */
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

/** The reason why `name` may be ignored, or `undefined`. */
export function intendedReason(gaps: readonly IntendedGap[], name: string): string | undefined {
  return gaps.find(({ covers }) => covers(name))?.reason;
}
