// The whole API in newer Nodes, Bun and Deno, and the fast and slow suites in newer Nodes. Bun and Deno do not run the
// suites: vitest's processes and its doubles of modules are Node's.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installRuntime, runtimes } from "./support/runtimes.ts";
import { answersIn, expectSame, thisNode, type Answers } from "./support/whole-api.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-runtimes-long-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the whole API", () => {
  let expected: Answers;
  beforeAll(async () => {
    expected = await answersIn(thisNode, folder, "whole");
  }, 600_000);

  test.for(runtimes)("answers in $name $version as in this Node", async (runtime, { skip }) => {
    const path = await installRuntime(folder, runtime);
    if (path === undefined) return skip(`${runtime.name} ${runtime.version} cannot be installed here`);
    expectSame(await answersIn({ path, args: runtime.args }, folder, "whole"), expected);
  });
});

/** What vitest says of a run. */
interface Report {
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
    readonly status: string;
    readonly message: string;
  }[];
}

const suites = [
  ["fast", "vitest.config.ts"],
  ["slow", "vitest.slow.config.ts"],
] as const;

describe.each(runtimes.filter(({ name }) => name === "node"))("the suites in Node $version", (runtime) => {
  test.for(suites)("%s", async ([suite, config], { skip }) => {
    const path = await installRuntime(folder, runtime);
    if (path === undefined) return skip(`${runtime.name} ${runtime.version} cannot be installed here`);
    const file = join(folder, `${runtime.version}-${suite}.json`);
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const args = [vitest, "run", "--config", config, "--reporter=json", `--outputFile=${file}`];
    // What this run of vitest says to its own processes is not meant for another's.
    const own = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|NODE_OPTIONS)/.test(name));
    const env = { ...Object.fromEntries(own), PATH: `${dirname(path)}${delimiter}${process.env.PATH ?? ""}` };
    const code = await run(path, args, { cwd: root, env, maxBuffer: 2 ** 28 }).then(
      () => 0,
      (error: unknown) => (error as { code: unknown }).code,
    );
    const report = JSON.parse(await readFile(file, "utf8")) as Report;
    const failed = report.testResults.flatMap(({ name, assertionResults, status, message }) => [
      ...assertionResults.filter((one) => one.status === "failed").map(({ fullName }) => fullName),
      // A file that could not be run at all.
      ...(status === "failed" && assertionResults.length === 0 ? [`${name}: ${message}`] : []),
    ]);
    console.log(`Node ${runtime.version}, ${suite}: ${report.numPassedTests} passed`);
    expect(failed).toEqual([]);
    expect(report.numPassedTests).toBeGreaterThan(suite === "fast" ? 1000 : 300);
    expect(code).toBe(0);
  });
});
