// Reads an adapter at the address of its folder.
import { notAnAdapter } from "../../adapter/index.ts";
import { adapterFiles, maxAdapterConfigBytes, type AdapterFiles, type SourceOptions } from "../../files.ts";
import { folderUrl } from "@blip-ts/engine/web";
import { RemoteFile } from "./remote-file.ts";
import { addressOf, inFolder, readText, remoteOptions } from "./remote-model.ts";

/**
 * Opens the adapter in a folder.
 * @throws {UsageError} `adapter/not-an-adapter` @throws {ModelError} `hub/...`, `model/read-failed`, `model/not-found`
 */
export async function openRemoteAdapter(source: string, options: SourceOptions): Promise<AdapterFiles> {
  const urlOf = inFolder(folderUrl(addressOf(source).href));
  const given = remoteOptions(options);
  const text = await readText(urlOf(adapterFiles.config), given, maxAdapterConfigBytes);
  const weights = text === undefined ? undefined : await RemoteFile.find(urlOf(adapterFiles.weights), given);
  if (text === undefined || !weights) {
    const isModel =
      text === undefined &&
      (await readText(urlOf("config.json"), given, maxAdapterConfigBytes)) !== undefined;
    const found = text === undefined ? (isModel ? ["config.json"] : []) : [adapterFiles.config];
    throw notAnAdapter(source, found, isModel);
  }
  return { name: source, config: text, weights };
}
