// Newer Nodes, Bun and Deno, from npm: about 100 MB each, installed for one test.
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { arch, platform } from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A JavaScript runtime. */
export interface Runtime {
  readonly name: string;
  /** A version, or a line, of which the newest version is used. */
  readonly version: string;
  /** The npm package. */
  readonly from: string;
  /** The folder below node_modules that holds the program for this machine, or one folder for each kind of machine. */
  readonly within: string;
  /** The program's path in that folder. */
  readonly place: string;
  readonly args: readonly string[];
}

/** npm's `node` package copies the program from a platform package at install time; the latter suffices. */
const nodePackage = `node-${platform === "win32" ? "win" : platform}-${arch}`;

/** The runtimes in which tests try Node's entry, in addition to Node 20, which runs the tests. */
export const runtimes: readonly Runtime[] = [
  ...["22", "24", "26"].map((version) => ({
    ...{ name: "node", version, from: nodePackage, within: ".", args: [] },
    place: join(nodePackage, platform === "win32" ? "bin/node.exe" : "bin/node"),
  })),
  { name: "bun", version: "1.4.5", from: "bun", within: "@oven", place: "bin/bun", args: ["run"] },
  {
    ...{ name: "deno", version: "2.9.6", from: "deno", within: "@deno", place: "deno" },
    args: ["run", "--allow-all", "--node-modules-dir=manual", "--no-config"],
  },
];

/**
 * Installs a runtime in a new folder below `folder`, without its install script, which only copies the program.
 * @returns the program's path; undefined if it is not available
 */
export async function installRuntime(
  folder: string,
  { name, version, from, within, place }: Runtime,
): Promise<string | undefined> {
  const home = await mkdtemp(join(folder, `${name}-`));
  // Some tests run as another user.
  for (const one of [folder, home]) await chmod(one, 0o755);
  await writeFile(join(home, "package.json"), '{ "private": true }\n');
  const args = ["i", "--ignore-scripts", "--no-audit", "--no-fund", `${from}@${version}`];
  const installed = await run("npm", args, { cwd: home, timeout: 180_000 }).catch(() => undefined);
  if (!installed) return undefined;
  const inside = join(home, "node_modules", within);
  const folders = within === "." ? [""] : await readdir(inside).catch(() => []);
  for (const one of folders) {
    const path = join(inside, one, place);
    if (await run(path, ["--version"]).catch(() => undefined)) return path;
  }
  return undefined;
}
