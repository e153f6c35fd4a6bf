// The worker that decodes a page's large image: the entry `web-image-worker`. It decodes one image and is then
// terminated.
import type { DecodeOptions } from "../../image/decode-options.ts";
import { resizeBicubic } from "../../image/resize-bicubic.ts";
import type { RgbImage } from "../../image/raw-image.ts";
import { decodeFile, type Encoded } from "./decode-file.ts";
import type { ImageReply, ImageRequest } from "./image-messages.ts";
import { InputError, type Warning, plainError } from "@blip-ts/base";

const reply = (message: ImageReply, transfer: Transferable[] = []) => postMessage(message, { transfer });

async function decoded(encoded: Encoded, options: DecodeOptions): Promise<RgbImage> {
  const image = await decodeFile(encoded, options);
  if (!options.size) return image;
  const { width, height, order } = options.size;
  return resizeBicubic(image, width, height, order);
}

onmessage = ({ data: { encoded, options } }: MessageEvent<ImageRequest>) => {
  const onWarning = (warning: Warning) => reply({ kind: "warning", warning });
  decoded(encoded, { ...options, onWarning }).then(
    ({ data, width, height }) => {
      const own = Uint8Array.from(data);
      reply({ kind: "done", image: { data: own, width, height } }, [own.buffer]);
    },
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      // Fields are texts and numbers, so they pass unchanged.
      const known = error instanceof InputError ? plainError(error) : undefined;
      reply({ kind: "failed", message, known });
    },
  );
};
