// Decodes the images of data sets with Node's decoder.
import { imagePath } from "@blip-ts/datasets/node";
import type { ImageSource } from "@blip-ts/datasets";
import { decodeImage } from "../../platform/node/decode-image.ts";
import type { DecodeSource } from "../data/load-sample.ts";
import type { TrainingDecode } from "./messages.ts";

function inputOf(image: ImageSource): string | Uint8Array {
  switch (image.kind) {
    case "path":
      return imagePath(image);
    case "url":
      return image.url;
    case "bytes":
      return image.bytes;
  }
}

/** A decoder that does not warn of clipped 16-bit grey, because a data set may have thousands of such images. */
export const nodeDecode =
  (options: TrainingDecode): DecodeSource =>
  (image, signal) =>
    decodeImage(inputOf(image), { ...options, signal });
