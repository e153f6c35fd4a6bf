// Other versions of Node, from npm's packages of the program: about 100 MB each, installed for one test.
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The oldest supported Node, and the supported lines. */
export const nodeLines = ["20.19.0", "22", "24"] as const;

/**
 * Installs a Node below a folder.
 * @param line a version, or the start of one, which selects the newest match
 * @returns the folder with the program, or undefined if it is not available
 */
export async function installNode(folder: string, line: string): Promise<string | undefined> {
  const home = join(folder, `node-${line}`);
  await mkdir(home);
  await writeFile(join(home, "package.json"), '{ "private": true }\n');
  const name = `node-${process.platform}-${process.arch}`;
  const args = ["i", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${line}`];
  const installed = await run("npm", args, { cwd: home, timeout: 180_000 }).catch(() => undefined);
  const programs = join(home, "node_modules", name, "bin");
  const version = installed && (await run(join(programs, "node"), ["--version"]).catch(() => undefined));
  return version?.stdout.startsWith(`v${line}`) === true ? programs : undefined;
}
