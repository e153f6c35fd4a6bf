// The installed size of the package: its own files and those of all of its dependencies.
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  /** The total size of the package's files, without nested packages. */
  readonly bytes: number;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const manifestOf = async (folder: string) =>
  JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;

/** This package's folder: above dist/ when built, next to this workspace when run from the sources. */
export function packageFolder(): string {
  const here = import.meta.url;
  return fileURLToPath(new URL(here.endsWith(".ts") ? "../../../blip/" : "../", here));
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return 0;
  if (!found.isDirectory()) return found.size;
  const names = await readdir(path);
  const sizes = await Promise.all(
    names.filter((name) => name !== "node_modules").map((name) => sizeOf(join(path, name))),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Resolves a package from a folder, as Node does; undefined if it is not installed, like packages for other systems.
 */
async function resolve(name: string, from: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (await stat(join(candidate, "package.json")).catch(() => undefined)) return realpath(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

/**
 * Lists a package and all of its dependencies, each once. Counts only the published files of the package itself, so
 * that a clone and an installation give the same result.
 * @param root the package's folder
 */
export async function installed(root: string = packageFolder()): Promise<InstalledPackage[]> {
  const packages = new Map<string, InstalledPackage>();
  const queue = [await realpath(root)];
  for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
    if (packages.has(folder)) continue;
    const { name, version, files, dependencies, optionalDependencies } = await manifestOf(folder);
    const parts = packages.size === 0 && files ? ["package.json", ...files] : ["."];
    const sizes = await Promise.all(parts.map((part) => sizeOf(join(folder, part))));
    packages.set(folder, { name, version, bytes: sizes.reduce((sum, size) => sum + size, 0) });
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const dependencyFolder = await resolve(needed, folder);
      if (dependencyFolder !== undefined) queue.push(dependencyFolder);
    }
  }
  return [...packages.values()];
}
