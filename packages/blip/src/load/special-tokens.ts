// The ids of [DEC], [ENC], [SEP] and [PAD], from the vocabulary or from config.json.
import type { BlipConfig } from "../model/config.ts";
import type { BertTokenizer } from "../text/word-piece.ts";
import { noSpecialToken } from "./errors.ts";

export interface SpecialTokens {
  /** The first token of a decoder's text. */
  readonly dec: number;
  /** The first token of a text that attends to an image. If undefined, the text keeps its own [CLS] (`hf`). */
  readonly enc: number | undefined;
  readonly sep: number;
  readonly pad: number;
}

/** The id of [DEC] if the vocabulary lacks it: text_config.bos_token_id, which is 30522 in every released model. */
export function decoderToken(json: unknown): number {
  const text = (json as { text_config?: { bos_token_id?: unknown } } | undefined)?.text_config;
  return typeof text?.bos_token_id === "number" ? text.bos_token_id : 30522;
}

export function specialTokens(
  name: string,
  tokenizer: BertTokenizer,
  json: unknown,
  { text }: BlipConfig,
  needs: { readonly dec: boolean; readonly enc: boolean },
): SpecialTokens {
  const { vocabulary, sepId, padId } = tokenizer;
  const dec = vocabulary.get("[DEC]") ?? decoderToken(json);
  const enc = vocabulary.get("[ENC]") ?? dec + 1;
  for (const [token, id, needed] of [
    ["[DEC]", dec, needs.dec],
    ["[ENC]", enc, needs.enc],
  ] as const)
    if (needed && id >= text.vocabSize) throw noSpecialToken(name, token, id, text.vocabSize);
  return { dec, enc: needs.enc ? enc : undefined, sep: sepId, pad: padId };
}
