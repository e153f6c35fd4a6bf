// Copies images into separate files without re-encoding, with the extension of their format.
import { closing } from "@blip-ts/base";
import type { ImageSource } from "@blip-ts/datasets";
import type { ImageFormat } from "../../image/sniff.ts";
import type { Target } from "./pair-writer.ts";

/** The extension that img2dataset uses. */
export const suffixOf = (format: ImageFormat): string => (format === "jpeg" ? "jpg" : format);

/** Reads the bytes of an image. @throws {InputError} `image/...` */
export async function imageBytes({ host, signal }: Target, image: ImageSource) {
  const { bytes, format } = await host.readImage(host.imageOf(image), signal);
  return { bytes, suffix: suffixOf(format) };
}

/** Writes a complete file. @throws {UsageError} `capfilt/cannot-write` */
export async function writeFile(
  { host, folder }: Target,
  path: string,
  content: Uint8Array | string,
): Promise<void> {
  const at = path.lastIndexOf("/");
  if (at > 0) await host.makeFolder(`${folder}/${path.slice(0, at)}`);
  await closing(await host.create(`${folder}/${path}`), (file) => file.write(content));
}

/**
 * Copies an image.
 * @param stem the target path below the folder, without the extension
 * @returns the path with the extension
 * @throws {InputError} `image/...` @throws {UsageError} `capfilt/cannot-write`
 */
export async function writeImage(target: Target, image: ImageSource, stem: string): Promise<string> {
  const { bytes, suffix } = await imageBytes(target, image);
  const path = `${stem}.${suffix}`;
  await writeFile(target, path, bytes);
  return path;
}
