// Runs the `blip` command as a separate program, so that the results are those of the program that people run.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { blipFailed, notBuilt } from "../errors.ts";

export interface Call {
  readonly args: readonly string[];
  /** The file to which the program's stderr is appended. */
  readonly log: string;
  /** The file for the program's stdout, written completely or not at all. Default: the log. */
  readonly output?: string;
}

/** Runs `blip`. @throws {WorldError} if it fails */
export type Blip = (call: Call) => Promise<void>;

const root = new URL("../../../../packages/blip/", import.meta.url);
const bin = fileURLToPath(new URL("bin/blip.js", root));
const built = fileURLToPath(new URL("dist/cli.js", root));

/** @throws {WorldError} `world/not-built`, `world/blip-failed` */
export const blip: Blip = async ({ args, log, output }) => {
  if (!existsSync(built)) throw notBuilt(built);
  const errors = openSync(log, "a");
  const printed = output === undefined ? errors : openSync(`${output}.part`, "w");
  let stop = (): void => undefined;
  try {
    const code = await new Promise<number | string>((done, fail) => {
      const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", printed, errors] });
      // If this program is ended, it must end the training too.
      stop = () => void child.kill("SIGTERM");
      process.once("SIGTERM", stop);
      child.once("error", fail);
      child.once("exit", (status, signal) => done(status ?? signal ?? "no exit"));
    });
    if (code !== 0) throw blipFailed(args.slice(0, 2).join(" "), code, log);
    if (output !== undefined) renameSync(`${output}.part`, output);
  } finally {
    process.off("SIGTERM", stop);
    closeSync(errors);
    if (printed !== errors) closeSync(printed);
  }
};
