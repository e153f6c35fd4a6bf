// The program's single pool of decoder processes.
import type { DecodeOptions } from "../../../image/decode-options.ts";
import type { RgbImage } from "../../../image/raw-image.ts";
import { DecoderPool } from "./decoder-pool.ts";
import { budget } from "./decode-here.ts";
import { decoders } from "./limits.ts";
import type { ImageSource } from "./messages.ts";

let pool: DecoderPool | undefined;

function decoderPool(): DecoderPool {
  pool ??= new DecoderPool(decoders, budget);
  return pool;
}

/** Starts the decoder processes before the first image arrives. */
export const warmUpDecoders = (): void => decoderPool().warmUp();

/** The ids of the processes that are decoding or waiting for an image. */
export const decoderProcesses = (): number[] => pool?.processes ?? [];

/** Decodes an image in a separate process. */
export const decodeApart = (source: ImageSource, options: DecodeOptions): Promise<RgbImage> =>
  decoderPool().decode({ source, options });
