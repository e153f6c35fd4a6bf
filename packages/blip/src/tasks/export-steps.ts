// Instructions for exported files, shared by several tasks.
import type { ExportedModel } from "./task.ts";

export const textInputs =
  "input_ids are [CLS] text [SEP], padded with `tokens.pad`; position_ids are 0 to T - 1";

export const sharingImages =
  "B texts attend to I images, and B is a multiple of I: the first B / I texts belong to the first image, and so on.";

export const firstToken = ({ tokens }: ExportedModel): string =>
  tokens.enc === undefined
    ? "The first token stays [CLS]."
    : `The first token of every text is replaced by [ENC], ${tokens.enc}.`;

export function imageStep({ dtype }: ExportedModel): string {
  const alone =
    dtype === "int8"
      ? " Run one image at a time, because a run rounds with one scale, which should be the image's own. In this and every other " +
        "file, products of 8 bits overflow on x86 processors without VNNI unless ONNX Runtime's session is given the " +
        "configuration entry session.x64quantprecision 1; on those with VNNI or AMX the entry costs time and changes nothing else."
      : "";
  return `image.onnx: pixel_values -> image_embeds. One run serves every text about the same images.${alone}`;
}

/**
 * The steps of a decoder.
 * @param begin the text about the start of sequences after [DEC]
 * @param keysAndValues the step that computes the decoder's keys and values
 */
export function decoderSteps(
  { tokens, config }: ExportedModel,
  begin: string,
  keysAndValues: string,
): string[] {
  const { heads, hiddenSize, maxPositions, layers } = config.text;
  return [
    keysAndValues,
    `decode.onnx, first step: input_ids [R, T] are the sequences so far, which begin with [DEC], ${tokens.dec}${begin}; ` +
      `position_ids and key_positions are 0 to T - 1 in each row, row_index is 0 to R - 1, past.* of the ${layers} layers ` +
      `have the shape [R, ${heads}, 0, ${hiddenSize / heads}], cross.* are those of cross-kv.onnx.`,
    "rows = (r + 1) * T - 1 for each sequence r: logits are those of what follows it. Greedy: the largest is the next token.",
    "decode.onnx, every other step: input_ids [R, 1] are the chosen tokens, position_ids [R, 1] their positions, " +
      "key_positions [R, P + 1] are 0 to P, row_index says which sequence each one continues, past.* are the last step's present.*.",
    `A sequence is over at [SEP], ${tokens.sep}, or at ${maxPositions} tokens.`,
    `Sequences of different lengths are padded on the left: position 0, and ${maxPositions} in key_positions, which hides them.`,
  ];
}
