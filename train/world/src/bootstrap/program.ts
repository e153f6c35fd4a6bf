// The `blip` command as a program of its own: what is measured is what people run.
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { blipFailed, notBuilt } from "../errors.ts";

export interface Call {
  readonly args: readonly string[];
  /** Takes what it says while it works, behind what is there. */
  readonly log: string;
  /** Takes what it prints, whole or not at all; the log, unless told. */
  readonly output?: string;
}

/** Runs `blip`. @throws {InputError} if it fails */
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
      // A run that is ended must not leave its training behind.
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
