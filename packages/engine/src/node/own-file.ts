// Locates files of this package that are opened by path: scripts of threads and processes, and bundled models.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ownFileMissing } from "../errors.ts";

/**
 * The path of one of the package's files. The code avoids `new URL(name, import.meta.url)`, which bundlers would try to
 * resolve.
 * @param file relative to the folder of the built scripts: "session-worker.js", "../models/picture-book"
 * @param here `import.meta.url` of the calling module; bundlers leave it empty in CommonJS
 * @param built the path from the calling module to the folder of the built scripts, used if the module is TypeScript
 * source
 * @throws {ModelError} `model/no-runtime` if a bundler has moved the script away from its files
 */
export function ownFile(file: string, here: string | undefined, built: string): string {
  const script = here?.startsWith("file:") === true ? fileURLToPath(here) : undefined;
  if (script === undefined) throw ownFileMissing(file, undefined);
  const path = join(dirname(script), script.endsWith(".ts") ? built : ".", file);
  if (!existsSync(path)) throw ownFileMissing(file, path);
  return path;
}
