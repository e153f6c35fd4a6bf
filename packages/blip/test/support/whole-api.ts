// Compares the results of the package's functions and classes in another runtime with Node's (whole-api.mjs).
import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { fixture } from "./goldens.ts";
import type { Runtime } from "./runtimes.ts";

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("whole-api.mjs", import.meta.url));

/** Results by the name of the call. */
export type Answers = Readonly<Record<string, unknown>>;

/** The Node that runs the tests. */
export const thisNode: Pick<Runtime, "args"> & { readonly path: string } = {
  path: process.execPath,
  args: [],
};

/**
 * Runs the calls in a runtime and returns their results.
 * @param folder a folder in which a temporary folder is made
 * @param part `whole` calls all of the API; by default, one call per verb and weight type
 */
export async function answersIn(
  { path, args }: Pick<Runtime, "args"> & { readonly path: string },
  folder: string,
  part?: "whole",
): Promise<Answers> {
  const home = await mkdtemp(join(folder, "answers-"));
  const asked = {
    models: {
      match: fixture("tiny/match"),
      caption: fixture("tiny/caption"),
      vqa: fixture("tiny/vqa"),
      nlvr: fixture("tiny/nlvr-original"),
    },
    images: ["01", "02"].map((number) => fixture(`../examples/scenes/${number}.png`)),
    text: "a dog",
    folder: home,
  };
  await writeFile(join(home, "asked.json"), JSON.stringify(asked));
  const more = part === undefined ? [] : [part];
  const { stdout } = await run(
    path,
    [...args, program, join(packageFolder, "dist"), join(home, "asked.json"), ...more],
    {
      ...{ cwd: packageFolder, timeout: 300_000, maxBuffer: 2 ** 26 },
      // Converted weights are kept in a temporary Hub cache, not in the user's.
      env: { ...process.env, HF_HOME: join(home, "hub"), ORT_DISABLE_TELEMETRY: "1" },
    },
  );
  // Messages contain the folder's path.
  return JSON.parse(stdout.replaceAll(home, "HOME")) as Answers;
}

/**
 * Expects equal results, with numbers equal to six digits, since JavaScript engines implement power functions
 * differently.
 */
export function expectSame(found: unknown, expected: unknown, at = "answers"): void {
  if (typeof expected === "number" && typeof found === "number") {
    expect(Math.abs(found - expected), at).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(expected)));
  } else if (typeof expected === "object" && expected !== null) {
    expect(Object.keys(Object(found) as object), at).toEqual(Object.keys(expected));
    for (const [key, value] of Object.entries(expected))
      expectSame((found as Answers)[key], value, `${at}.${key}`);
  } else expect(found, at).toEqual(expected);
}
