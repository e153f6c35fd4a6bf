// Node's entry in newer Nodes, Bun and Deno: the tiny goldens of transformers, a caption and an answer in half precision.
// Each is some 100 MB, so that it is installed for the test alone, in a folder of its own, and the test is skipped where
// that cannot be done.
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { installRuntime, runtimes } from "./support/runtimes.ts";

const run = promisify(execFile);
const packageFolder = fileURLToPath(new URL("../", import.meta.url));
const program = fileURLToPath(new URL("support/tiny-goldens.mjs", import.meta.url));

/** What `tiny-goldens.mjs` says. */
interface Found {
  readonly logits: readonly number[];
  readonly captions: readonly (readonly (readonly (readonly number[])[])[])[];
  readonly float: Best;
  readonly half: Best;
  readonly probability: number;
  readonly served: number;
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
    const path = await installRuntime(folder, runtime);
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
        text: "a lemon to the right of a light bulb in a forest",
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
    expect(found.served).toBeCloseTo(found.probability, 6);
  });
});
