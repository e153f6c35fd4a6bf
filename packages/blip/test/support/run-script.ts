// A script in a process of its own, with this package as it is built: whether the process ends by itself.
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const door = new URL("../../dist/node.js", import.meta.url).href;

/**
 * @param script the text of a module, in which `blip` is the package
 * @param env variables beside those of this process; what is undefined is not set
 * @returns what it printed
 * @throws {Error} where the process fails, or has not ended by itself after so many milliseconds
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
