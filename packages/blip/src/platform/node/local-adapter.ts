// Reads an adapter's folder on this machine.
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { notAnAdapter } from "../../adapter/index.ts";
import { adapterFiles, maxAdapterConfigBytes, type AdapterFiles } from "../../files.ts";
import { detailOf, fileSource, readSideFile } from "./local-files.ts";
import { readFailed } from "./model-errors.ts";

const isModelFile = (name: string) =>
  /^((model\.safetensors|pytorch_model\.bin)(\.index\.json)?|model_index\.json|.*\.pth)$/.test(name);

/**
 * Opens the adapter in a folder.
 * @throws {UsageError} `adapter/not-an-adapter` @throws {ModelError} `model/read-failed`, `model/side-file-too-large`
 */
export async function localAdapter(folder: string): Promise<AdapterFiles> {
  const names = await readdir(folder).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // The name may also be that of a weights file, a bundled model or a model on the Hub, which are not folders.
    if (code === "ENOENT") throw notAnAdapter(folder, [], false);
    if (code === "ENOTDIR") throw notAnAdapter(folder, [basename(folder)], isModelFile(basename(folder)));
    throw readFailed(folder, detailOf(error), error);
  });
  const { config, weights } = adapterFiles;
  if (!names.includes(config) || !names.includes(weights))
    throw notAnAdapter(folder, names.sort(), !names.includes(config) && names.some(isModelFile));
  const text = await readSideFile(join(folder, config), maxAdapterConfigBytes);
  return { name: folder, config: text ?? "", weights: await fileSource(join(folder, weights)) };
}
