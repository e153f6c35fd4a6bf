// Node's entry in Bun and Deno: the tiny goldens of transformers. Each is some 100 MB, so that it is installed for the
// test alone, in a folder of its own, and the test is skipped where that cannot be done.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Tensor } from "@blip-ts/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsOf } from "../src/tasks/rows-of.ts";
import {
  fixture,
  goldenJson,
  goldenTensors,
  optionsOf,
  unpadded,
  type GeneratedCase,
} from "./support/goldens.ts";

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL("../", import.meta.url));
const program = fileURLToPath(new URL("support/tiny-goldens.mjs", import.meta.url));

interface Runtime {
  readonly name: string;
  readonly version: string;
  /** The folder below node_modules whose packages hold the program for each machine. */
  readonly scope: string;
  /** Where in such a package it is. */
  readonly place: string;
  readonly args: readonly string[];
}

const runtimes: readonly Runtime[] = [
  { name: "bun", version: "1.4.5", scope: "@oven", place: "bin/bun", args: ["run"] },
  {
    name: "deno",
    version: "2.9.6",
    scope: "@deno",
    place: "deno",
    args: ["run", "--allow-all", "--node-modules-dir=manual", "--no-config"],
  },
];

let folder: string;
let questions: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-runtimes-"));
  questions = join(folder, "questions.json");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Installs a runtime without its script: that only copies the program, which is found where it is. */
async function install({ name, version, scope, place }: Runtime): Promise<string | undefined> {
  const home = await mkdtemp(join(folder, `${name}-`));
  await writeFile(join(home, "package.json"), '{ "private": true }\n');
  const args = ["i", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${version}`];
  const installed = await run("npm", args, { cwd: home, timeout: 180_000 }).catch(() => undefined);
  if (!installed) return undefined;
  const packages = await readdir(join(home, "node_modules", scope)).catch(() => []);
  for (const one of packages) {
    const path = join(home, "node_modules", scope, one, place);
    if (await run(path, ["--version"]).catch(() => undefined)) return path;
  }
  return undefined;
}

const plain = ({ dims, data }: Tensor<"float32">) => ({ dims, data: Array.from(data) });

describe("the tiny goldens", async () => {
  const match = await goldenJson<{ readonly texts: readonly string[] }>("match");
  const matchTensors = await goldenTensors("match");
  const { cases } = await goldenJson<{ readonly cases: readonly GeneratedCase[] }>("caption");
  const captionTensors = await goldenTensors("caption");
  const chosen = cases.filter(({ sepBias, prompt }) => sepBias === 0 && prompt === null);
  const rows = Math.min(...chosen.map((one) => one.rows.length));

  test.for(runtimes)("hold in $name $version", async (runtime, { skip }) => {
    const path = await install(runtime);
    if (path === undefined) return skip(`${runtime.name} ${runtime.version} cannot be installed here`);
    const asked = {
      match: {
        model: fixture("tiny/match"),
        texts: match.texts,
        pixels: plain(await matchTensors.floats("pixel_values")),
      },
      caption: {
        model: fixture("tiny/caption"),
        pixels: plain(rowsOf(await captionTensors.floats("pixel_values"), 0, rows)),
        options: chosen.map(optionsOf),
      },
      scene: {
        image: fixture("../examples/scenes/01.png"),
        text: "a small sheep on a purple background",
      },
    };
    await writeFile(questions, JSON.stringify(asked));
    const { stdout } = await run(
      path,
      [...runtime.args, program, join(packageFolder, "dist/node.js"), questions],
      {
        cwd: packageFolder,
        timeout: 300_000,
      },
    );
    const found = JSON.parse(stdout) as { logits: number[]; captions: number[][][][]; probability: number };
    const expected = await matchTensors.floats("itm_score");
    expect(found.logits).toHaveLength(expected.data.length);
    // The same library computes: float32 sums in another order move these logits by 1e-6.
    expected.data.forEach((value, at) =>
      expect(Math.abs((found.logits[at] ?? NaN) - value)).toBeLessThan(1e-5),
    );
    expect(found.captions).toEqual(
      chosen.map((one) => one.rows.slice(0, rows).map(({ sequences }) => sequences.map(unpadded))),
    );
    expect(found.probability).toBeGreaterThan(0.9);
  });
});
