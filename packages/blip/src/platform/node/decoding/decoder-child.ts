// The entry `image-decoder`: a process that decodes images, one at a time. It watches its own memory, and exits when
// the parent process is gone.
import { outOfBounds } from "../../../image/errors.ts";
import { resizeBicubic } from "../../../image/resize-bicubic.ts";
import { readImage } from "../read-image.ts";
import { decodeEncoded } from "./decode-encoded.ts";
import { inspectImage, type InspectedImage } from "./inspect-image.ts";
import type { DecoderReply, DecoderRequest, ImageSource, PlainDecodeOptions } from "./messages.ts";
import { watchMemory } from "./memory-watch.ts";
import { toPlain } from "./plain-error.ts";
import type { Warning } from "@blip-ts/base";

const residentBytes = () => process.memoryUsage.rss();

const send = (reply: DecoderReply, sent?: () => void) => process.send?.(reply, undefined, {}, sent);

/** SIGKILL is the only way to stop native decoding: `exit` waits for its threads. */
const end = () => process.kill(process.pid, "SIGKILL");

let go = (): void => undefined;

async function inspected(source: ImageSource, maxPixels: number | undefined): Promise<InspectedImage> {
  const input = "path" in source ? source.path : source.bytes;
  const encoded = await readImage(input, { called: source.name });
  return inspectImage(encoded, maxPixels);
}

async function decoded(image: InspectedImage, options: PlainDecodeOptions) {
  const onWarning = (warning: Warning) => void send({ kind: "warning", warning });
  const rgb = await decodeEncoded(image, { ...options, onWarning });
  if (!options.size) return rgb;
  const { width, height, order } = options.size;
  return resizeBicubic(rgb, width, height, order);
}

async function answer(source: ImageSource, options: PlainDecodeOptions): Promise<void> {
  let endWatch = (): void => undefined;
  try {
    const image = await inspected(source, options.maxPixels);
    const admitted = new Promise<void>((resolve) => (go = resolve));
    send({ kind: "needs", bytes: image.needs });
    await admitted;
    endWatch = watchMemory(image.needs, residentBytes, (rss) => {
      send({ kind: "failed", error: toPlain(outOfBounds(source.name, rss)), rss }, end);
    });
    send({ kind: "done", image: await decoded(image, options), rss: residentBytes() });
  } catch (error) {
    send({ kind: "failed", error: toPlain(error), rss: residentBytes() });
  } finally {
    endWatch();
  }
}

process.on("disconnect", end);
process.on("message", (request: DecoderRequest) => {
  if (request.kind === "go") go();
  else void answer(request.source, request.options);
});
// Ignore Ctrl-C, because the parent process handles it and may continue decoding.
process.on("SIGINT", () => undefined);
