// Makes THIRD-PARTY.md's table of the packages that npm installs with this one, from package-lock.json.
// Run: npx tsx scripts/third-party.ts
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";

interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Lock = Readonly<Record<string, LockEntry>>;

export const documentPath = fileURLToPath(new URL("../THIRD-PARTY.md", import.meta.url));
const lockPath = new URL("../package-lock.json", import.meta.url);

const heading = "## What npm installs with the package";
const introduction = [
  heading,
  "",
  "Made from package-lock.json by `npx tsx scripts/third-party.ts`. The table includes packages for other systems; npm installs " +
    "one of them. sharp decodes images with libvips, a library under the LGPL. It is loaded, not linked in, so you may " +
    "replace it.",
  "",
].join("\n");

/** The path that a package resolves a name to: the nearest node_modules at or above it. */
function resolved(lock: Lock, from: string, name: string): string | undefined {
  const parts = from.split("/node_modules/");
  const folders = parts.map((_, index) => parts.slice(0, parts.length - index).join("/node_modules/"));
  const paths = [...folders.map((folder) => `${folder}/node_modules/${name}`), `node_modules/${name}`];
  return paths.find((path) => lock[path]);
}

/** All packages that a package depends on, directly or not, as paths of the lock file. */
export function installedWith(lock: Lock, root: string): string[] {
  const found = new Set<string>();
  const waiting = [root];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const { dependencies = {}, optionalDependencies = {} } = lock[path] ?? {};
    for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) {
      const next = resolved(lock, path, name);
      if (next === undefined || found.has(next)) continue;
      found.add(next);
      waiting.push(next);
    }
  }
  return [...found].sort();
}

const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
/** Packages of one library for several systems share a row. */
const familyOf = (name: string): string => name.replace(/^(@img\/sharp(?:-libvips)?)-.*$/, "$1-*");

export async function section(): Promise<string> {
  const { packages } = JSON.parse(await readFile(lockPath, "utf8")) as { readonly packages: Lock };
  const rows = new Set(
    installedWith(packages, "packages/blip").map((path) => {
      const { version, license } = packages[path] ?? {};
      if (version === undefined || license === undefined)
        throw new Error(`${path}: the lock names no licence`);
      return `| ${familyOf(nameOf(path))} | ${version} | ${license} |`;
    }),
  );
  const table = ["| package | version | licence |", "| --- | --- | --- |", ...[...rows].sort()].join("\n");
  const config = await resolveConfig(documentPath);
  return format(`${introduction}\n${table}\n`, { ...config, parser: "markdown" });
}

/** The document with this section as its last. */
export async function documentWith(text: string): Promise<string> {
  const at = text.indexOf(heading);
  return `${(at < 0 ? text : text.slice(0, at)).trimEnd()}\n\n${await section()}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeFile(documentPath, await documentWith(await readFile(documentPath, "utf8")));
