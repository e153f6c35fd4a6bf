// Node's entry in newer Nodes, Bun and Deno: the tiny goldens of transformers, a caption and an answer in half precision.
// Each is some 100 MB, so that it is installed for the test alone, in a folder of its own, and the test is skipped where
// that cannot be done.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arch, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Tensor } from "@blip-ts/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rowsOf } from "../src/run/batch-rows.ts";
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
  /** A version, or a line of them: the newest one of it. */
  readonly version: string;
  /** The npm package. */
  readonly from: string;
  /** The folder below node_modules that holds the program for this machine, or one folder for each kind of it. */
  readonly within: string;
  /** Where in such a folder it is. */
  readonly place: string;
  readonly args: readonly string[];
}

/** npm's package of Node copies the program from one for the machine when it is installed: that one is enough. */
const nodePackage = `node-${platform === "win32" ? "win" : platform}-${arch}`;

const runtimes: readonly Runtime[] = [
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

/** What `tiny-goldens.mjs` says. */
interface Found {
  readonly logits: readonly number[];
  readonly captions: readonly (readonly (readonly (readonly number[])[])[])[];
  readonly float: Best;
  readonly half: Best;
  readonly probability: number;
}

type Best = Readonly<
  Record<"caption" | "answer", { readonly tokens: readonly number[]; readonly score: number }>
>;

let folder: string;
let questions: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-runtimes-"));
  questions = join(folder, "questions.json");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Installs a runtime without its script: that only copies the program, which is found where it is. */
async function install({ name, version, from, within, place }: Runtime): Promise<string | undefined> {
  const home = await mkdtemp(join(folder, `${name}-`));
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

const plain = ({ dims, data }: Tensor<"float32">) => ({ dims, data: Array.from(data) });

describe("the tiny goldens", async () => {
  const match = await goldenJson<{ readonly texts: readonly string[] }>("match");
  const matchTensors = await goldenTensors("match");
  const { cases } = await goldenJson<{ readonly cases: readonly GeneratedCase[] }>("caption");
  const captionTensors = await goldenTensors("caption");
  const chosen = cases.filter(({ sepBias, prompt }) => sepBias === 0 && prompt === null);
  const rows = Math.min(...chosen.map((one) => one.rows.length));
  const vqa = await goldenJson<{
    readonly questions: readonly string[];
    readonly cases: readonly GeneratedCase[];
  }>("vqa");
  const vqaTensors = await goldenTensors("vqa");
  const [answering] = vqa.cases.filter(({ sepBias }) => sepBias === 0);
  if (!answering) throw new Error("no golden answer");

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
        first: plain(rowsOf(await captionTensors.floats("pixel_values"), 0, 1)),
        options: chosen.map(optionsOf),
      },
      ask: {
        model: fixture("tiny/vqa"),
        questions: vqa.questions.slice(0, 1),
        pixels: plain(rowsOf(await vqaTensors.floats("pixel_values"), 0, 1)),
        options: optionsOf(answering),
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
        // Converted weights are kept in the Hub's cache: not in that of whoever runs the tests.
        env: { ...process.env, HF_HOME: join(folder, "home") },
      },
    );
    const found = JSON.parse(stdout) as Found;
    const expected = await matchTensors.floats("itm_score");
    expect(found.logits).toHaveLength(expected.data.length);
    // The same library computes: float32 sums in another order move these logits by 1e-6.
    expected.data.forEach((value, at) =>
      expect(Math.abs((found.logits[at] ?? NaN) - value)).toBeLessThan(1e-5),
    );
    expect(found.captions).toEqual(
      chosen.map((one) => one.rows.slice(0, rows).map(({ sequences }) => sequences.map(unpadded))),
    );
    expect(found.float.answer.tokens).toEqual(unpadded(answering.rows[0]?.sequences[0] ?? []));
    for (const what of ["caption", "answer"] as const) {
      const [float, half] = [found.float[what], found.half[what]];
      expect(half.tokens).toEqual(float.tokens);
      const difference = Math.abs(half.score / float.score - 1);
      // What is rounded to 11 bits is not what it was, and as near to it as quantize.slow.test.ts has it.
      expect(difference).toBeGreaterThan(0);
      expect(difference).toBeLessThan(0.004);
    }
    expect(found.probability).toBeGreaterThan(0.9);
  });
});
