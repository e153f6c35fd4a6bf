// Fetches the art's packages once with `npm pack` into a folder that git ignores. Later reads need no network.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { artDamaged, artMissing, artNotFetched } from "../errors.ts";
import type { ArtPackage } from "./packages.ts";

/** The folder of the packages. */
export const artFolder = fileURLToPath(new URL("../../art/", import.meta.url));

/** The file name that `npm pack` uses: `@iconify-json/noto` of 1.2.9 gives `iconify-json-noto-1.2.9.tgz`. */
export const tarballName = ({ name, version }: ArtPackage): string =>
  `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;

function checked(path: string, { sha512 }: ArtPackage): Buffer {
  if (!existsSync(path)) throw artMissing(path);
  const bytes = readFileSync(path);
  const sum = createHash("sha512").update(bytes).digest("base64");
  if (sum !== sha512) throw artDamaged(path, `the sum ${sha512.slice(0, 12)}...`, `${sum.slice(0, 12)}...`);
  return bytes;
}

/**
 * Fetches a package unless it is present.
 * @returns whether the package was fetched
 * @throws {WorldError} `world/art-not-fetched`, `world/art-damaged`
 */
export async function fetchPackage(wanted: ArtPackage, folder = artFolder): Promise<boolean> {
  const path = join(folder, tarballName(wanted));
  if (existsSync(path)) {
    checked(path, wanted);
    return false;
  }
  const partial = join(folder, "partial");
  mkdirSync(partial, { recursive: true });
  const spec = `${wanted.name}@${wanted.version}`;
  try {
    await promisify(execFile)("npm", ["pack", spec, "--silent", "--pack-destination", partial], {
      timeout: 600_000,
    });
  } catch (error) {
    throw artNotFetched(spec, error instanceof Error ? error.message.trim() : String(error));
  }
  const packed = join(partial, tarballName(wanted));
  checked(packed, wanted);
  renameSync(packed, path);
  rmSync(partial, { recursive: true, force: true });
  return true;
}

/**
 * Reads files of a package as JSON.
 * @param files paths in the package; a file that it lacks gives undefined
 * @throws {WorldError} `world/art-missing`, `world/art-damaged`
 */
export async function readJson(
  wanted: ArtPackage,
  files: readonly string[],
  folder = artFolder,
): Promise<readonly unknown[]> {
  const tar = gunzipSync(checked(join(folder, tarballName(wanted)), wanted));
  const names = files.map((file) => `package/${file}`);
  const entries = await unpackTar(new Uint8Array(tar), { filter: ({ name }) => names.includes(name) });
  return names.map((name): unknown => {
    const data = entries.find(({ header }) => header.name === name)?.data;
    return data === undefined ? undefined : JSON.parse(new TextDecoder().decode(data));
  });
}
