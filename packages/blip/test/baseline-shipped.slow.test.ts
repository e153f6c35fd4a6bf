// What is shipped needs nothing newer than the baseline that README states: ES2022, and Chrome 111, Firefox 128 and
// Safari 16.4 in pages. Each is also run where the engine has no `Symbol.asyncDispose`, as those browsers have not.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browsers, missingIn, oldestNode, type Engines } from "./support/baseline.ts";
import { bundleForPage } from "./support/bundle-web.ts";

const run = promisify(execFile);
const place = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const dist = place("../dist/");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-baseline-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What is spoken of and need not be there, with the reason. */
type Allowed = Readonly<Record<string, string>>;

const inPages: Allowed = {
  "Symbol.asyncDispose": "looked for; the registered symbol stands in for it (base/src/closable.ts)",
  ".take": "FairQueue's",
  ".lang": "of valibot's settings",
  ".chunks": "RangeCache's",
  ".bytes": "of weights that are converted, of a pickle's cursor",
  ".commit": "FolderWriter's; a page has none",
  ".dispose": "ONNX Runtime's tensors have it",
  ".toBase64": "looked for by @bufbuild/protobuf",
  ".setFromBase64": "looked for by @bufbuild/protobuf",
  ".toHex": "looked for by @noble/hashes",
  "Uint8Array.fromHex": "looked for by @noble/hashes",
};

const inNode: Allowed = {
  ".pause": "of the Hub client's limits",
  ".take": "FairQueue's",
  ".toHex": "looked for by @noble/hashes",
  "Uint8Array.fromHex": "looked for by @noble/hashes",
};

/** What onnxruntime-web looks for and does without. */
const inTheRuntime: Allowed = {
  Float16Array: "for half precision; else Uint16Array",
  "Atomics.waitAsync": "for its threads; else messages",
  "navigator.gpu": "only for WebGPU",
  "navigator.ml": "only for WebNN",
  ".dispose": "its tensors'",
};

/** Fails with every feature that is missing and not allowed, and with every one that is allowed for nothing. */
function expectWithin(scripts: Readonly<Record<string, string>>, engines: Engines, allowed: Allowed): void {
  const missing = Object.entries(scripts).flatMap(([file, code]) =>
    missingIn(code, file, engines).map((one) => ({ ...one, file })),
  );
  const features = new Set(missing.map(({ feature }) => feature));
  expect({
    tooNew: missing
      .filter(({ feature }) => !Object.hasOwn(allowed, feature))
      .map(({ feature, file, line, lacking }) => `${file}:${line} ${feature} (not in ${lacking.join(", ")})`)
      .slice(0, 20),
    allowedForNothing: Object.keys(allowed).filter((feature) => !features.has(feature)),
  }).toEqual({ tooNew: [], allowedForNothing: [] });
}

/** Half a megabyte is read name by name. */
const long = { timeout: 90_000 };

test("a page's bundle, with what it is bundled with", long, async () => {
  const { script, worker, imageWorker, trainingWorker } = await bundleForPage(folder);
  const scripts = {
    "script.js": script,
    "web-session-worker.js": worker,
    "web-image-worker.js": imageWorker,
    "web-training-worker.js": trainingWorker,
  };
  expectWithin(scripts, browsers, inPages);
});

test("the page's engine, as it is served beside the script", async () => {
  const runtime = place("../../../node_modules/onnxruntime-web/dist/");
  const files = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs"];
  const scripts = files.map(async (file) => [file, await readFile(join(runtime, file), "utf8")] as const);
  expectWithin(Object.fromEntries(await Promise.all(scripts)), browsers, inTheRuntime);
});

test("what Node runs", long, async () => {
  const files = (await readdir(dist)).filter((file) => file.endsWith(".js"));
  const scripts = await Promise.all(
    files
      .filter((file) => !file.startsWith("web"))
      .map(async (file) => [file, await readFile(join(dist, file), "utf8")] as const),
  );
  expect(scripts.length).toBeGreaterThan(5);
  const command = (await readFile(place("../bin/blip.js"), "utf8")).replace(/^#!.*/, "");
  expectWithin({ ...Object.fromEntries(scripts), "bin/blip.js": command }, oldestNode, inNode);
});

describe("without Symbol.asyncDispose", long, () => {
  const without = place("../../base/test/without-dispose.mjs");
  const scene = place("../../../examples/scenes/01.png");
  const sentence = "a lemon to the right of a light bulb in a forest";
  const node = async (...args: readonly string[]) =>
    (await run(process.execPath, ["--import", without, ...args], { cwd: folder, timeout: 100_000 })).stdout;

  test("the functions and classes of Node's entry", async () => {
    const program = join(folder, "use.mjs");
    await writeFile(
      program,
      `import { caption, match, Matcher } from ${JSON.stringify(join(dist, "node.js"))};
       const [scene, text] = ${JSON.stringify([scene, sentence])};
       const [row] = await match([scene], [text]);
       const [said] = await caption([scene]);
       const matcher = await Matcher.fromPretrained("picture-book");
       const rows = [];
       for await (const one of matcher.match([scene], [text])) rows.push(one);
       await matcher.close();
       await matcher.close();
       const after = await matcher.match([scene], [text]).next().catch((error) => error.code);
       console.log(JSON.stringify({
         symbol: String(Symbol.asyncDispose),
         probabilities: [row.probability, rows[0].probability],
         caption: said.caption,
         after,
         key: "undefined" in matcher,
       }));`,
    );
    const found = JSON.parse(await node(program)) as { probabilities: number[] };
    expect(found).toMatchObject({ symbol: "undefined", after: "usage/disposed", key: false });
    expect(found).toMatchObject({ caption: expect.stringMatching(/\blight bulb\b/) as string });
    for (const probability of found.probabilities) expect(probability).toBeGreaterThan(0.9);
  });

  test("the command", async () => {
    const stdout = await node(place("../bin/blip.js"), "match", scene, "-t", sentence, "--json", "--quiet");
    expect((JSON.parse(stdout) as { probability: number }[])[0]?.probability).toBeGreaterThan(0.9);
  });
});
