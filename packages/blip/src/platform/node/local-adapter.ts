// An adapter's folder on this machine.
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { notAnAdapter } from "../../adapter/index.ts";
import { adapterFiles, maxAdapterConfigBytes, type AdapterFiles } from "../../files.ts";
import { fileSource, readSideFile } from "./local-files.ts";

const isModelFile = (name: string) =>
  /^(model\.safetensors(\.index\.json)?|pytorch_model\.bin|model_index\.json|.*\.pth)$/.test(name);

/**
 * The adapter in a folder.
 * @throws {UsageError} `adapter/not-an-adapter` @throws {ModelError} `model/read-failed`, `model/side-file-too-large`
 */
export async function localAdapter(folder: string): Promise<AdapterFiles> {
  const names = await readdir(folder).catch((error: unknown) => {
    // A weights file is no folder, and neither is the name of a model in this package or on the Hub.
    throw notAnAdapter(
      folder,
      error instanceof Error && "code" in error && error.code === "ENOTDIR" ? [basename(folder)] : [],
      isModelFile(basename(folder)),
    );
  });
  const { config, weights } = adapterFiles;
  if (!names.includes(config) || !names.includes(weights))
    throw notAnAdapter(folder, names.sort(), !names.includes(config) && names.some(isModelFile));
  const text = await readSideFile(join(folder, config), maxAdapterConfigBytes);
  return { name: folder, config: text ?? "", weights: await fileSource(join(folder, weights)) };
}
