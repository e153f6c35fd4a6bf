// Runs a script with the built package in a child process, to test that the process ends by itself.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const door = new URL("../../dist/node.js", import.meta.url).href;

/**
 * Runs a script to its end.
 * @param script the text of a module, in which `blip` is the package
 * @param env variables added to those of this process; undefined values are not set
 * @returns its output
 * @throws {Error} if the process fails, or has not ended after `milliseconds`
 */
export async function runScript(
  script: string,
  env: Readonly<Record<string, string | undefined>>,
  milliseconds: number,
): Promise<string> {
  const text = `import * as blip from ${JSON.stringify(door)};\n${script}`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", text], {
    env: { ...process.env, ...env },
    timeout: milliseconds,
  });
  return stdout;
}
