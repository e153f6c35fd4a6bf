// The Node platform: files and the Hub's cache, sharp, ONNX Runtime in a worker thread.
import { readFile } from "node:fs/promises";
import { shownName } from "@blip-ts/base";
import { asEmbedded } from "../../files.ts";
import type { Platform } from "../../platform.ts";
import { createFolder } from "./create-folder.ts";
import { decodeImage, type ImageInput } from "./decode-image.ts";
import { deriveWeights } from "./derived-weights.ts";
import { localAdapter } from "./local-adapter.ts";
import { localModel, openFolder } from "./local-files.ts";
import { notFound } from "./model-errors.ts";
import { createNodeEngine, nodeDevices, ownFile } from "@blip-ts/engine/node";

/** The name of the model bundled with this package. */
export const embeddedModel = "picture-book";

/** A file of this package's models/ folder. @throws {ModelError} `model/no-runtime` */
const modelFile = (name: string) => ownFile(`../models/${name}`, import.meta.url, "../../../dist");

const hubId = /^[\w-][\w.-]*\/[\w.-]+$/;

export const nodePlatform: Platform<ImageInput> = {
  async openModel(source, options) {
    const local = await localModel(source);
    if (local) return local;
    if (source === embeddedModel)
      return asEmbedded(await openFolder(modelFile(embeddedModel), embeddedModel));
    if (/^https?:/i.test(source)) {
      const { openUrlModel } = await import("./hub/url-model.ts");
      const fetched = await openUrlModel(source, options);
      if (fetched) return fetched;
    }
    if (!hubId.test(source)) throw notFound(shownName(source));
    const { downloadModel } = await import("./hub/download-model.ts");
    const { folder, commit } = await downloadModel(source, options);
    // Parts are fetched at the suite's own commit.
    return openFolder(folder, source, (part) =>
      downloadModel(source, { ...options, revision: commit }, part),
    );
  },
  openAdapter: (source) => localAdapter(source),
  bundledVocabulary: () => readFile(modelFile("bert-base-uncased/vocab.txt"), "utf8"),
  devices: nodeDevices(process.platform, process.arch),
  createEngine: createNodeEngine,
  decodeImage,
  prepareDecoders() {
    void import("./decoding/decode-apart.ts").then(({ warmUpDecoders }) => warmUpDecoders());
  },
  createFolder,
  deriveWeights: (weights, renew) => deriveWeights(weights, renew, process.env),
  warn({ message }) {
    console.warn(`blip-ts: ${message}`);
  },
};
