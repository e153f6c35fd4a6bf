// Files of this package that are opened by their path: the scripts of threads and processes, the models that travel in it.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFileMissing } from "../errors.ts";

/**
 * The path of such a file. The address is never written as `new URL(name, import.meta.url)`: bundlers take that for
 * something that they have to resolve.
 * @param file from the folder of the built scripts: "session-worker.js", "../models/picture-book"
 * @param here `import.meta.url` of the module that asks; bundlers leave it empty in CommonJS
 * @param built the folder of the built scripts from there, if that module is one of the sources
 * @throws {ModelError} `model/no-runtime`: a bundler has moved the script away from its files
 */
export function ownFile(file: string, here: string | undefined, built: string): string {
  const script = here?.startsWith("file:") === true ? fileURLToPath(here) : undefined;
  if (script === undefined) throw ownFileMissing(file, undefined);
  const path = join(dirname(script), script.endsWith(".ts") ? built : ".", file);
  if (!existsSync(path)) throw ownFileMissing(file, path);
  return path;
}
