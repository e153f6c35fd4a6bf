// The package as people get it: the tarball in an empty folder, and the embedded model at work without a network.
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const packageFolder = join(root, "packages/blip");
const scene = join(root, "examples/scenes/01.png");
const matchArguments = ["match", scene, "-t", "a small sheep on a purple background", "--json", "--quiet"];

interface Row {
  readonly probability: number;
}

describe("the embedded model", () => {
  test("needs no connection", async () => {
    const guard = join(packageFolder, "test/refuse-sockets.mjs");
    const { stdout } = await run(process.execPath, [
      "--import",
      guard,
      join(packageFolder, "bin/blip.js"),
      ...matchArguments,
    ]);
    expect((JSON.parse(stdout) as Row[])[0]?.probability).toBeGreaterThan(0.9);
  });

  test("is told apart from a model that does need one", async () => {
    const guard = join(packageFolder, "test/refuse-sockets.mjs");
    const args = [
      "--import",
      guard,
      join(packageFolder, "bin/blip.js"),
      ...matchArguments,
      "--model",
      "someone/model",
    ];
    const env = {
      ...process.env,
      HF_ENDPOINT: "http://127.0.0.1:59999",
      HF_HOME: join(tmpdir(), "no-such-cache"),
    };
    await expect(run(process.execPath, args, { env })).rejects.toMatchObject({ code: 99 });
  });
});

describe("the tarball", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "blip-package-"));
    const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: packageFolder,
    });
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf("["))) as {
      filename: string;
      files: { path: string }[];
    }[];
    const names = packed?.files.map(({ path }) => path) ?? [];
    for (const name of [
      "LICENSE",
      "THIRD-PARTY.md",
      "README.md",
      "SECURITY.md",
      "CHANGELOG.md",
      "docs/README.md",
      "docs/errors.md",
      "dist/node.js",
      "dist/session-worker.js",
      "dist/node.d.ts",
      "dist/metrics.d.ts",
    ])
      expect(names).toContain(name);
    expect(names.filter((name) => /\.test\.|^src\/|fixtures/.test(name))).toEqual([]);
    await writeFile(join(folder, "package.json"), '{ "private": true }\n');
    await run(
      "npm",
      ["i", "--ignore-scripts", "--no-audit", "--no-fund", join(folder, packed?.filename ?? "")],
      { cwd: folder },
    );
  }, 300_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  const typecheck = (...files: readonly string[]) => {
    // What this package's types need beyond ES2022 they bring; AbortSignal and Blob are a browser's or Node's.
    const language = ["--target", "es2022", "--lib", "es2022,dom", "--module", "nodenext"];
    const options = ["--noEmit", "--strict", ...language];
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    return run(process.execPath, [tsc, ...options, ...files], { cwd: folder }).catch((error: unknown) => {
      throw new Error((error as { stdout: string }).stdout);
    });
  };
  const node = (file: string) => run(process.execPath, [file], { cwd: folder });

  test("is imported", async () => {
    await copyFile(scene, join(folder, "scene.png"));
    await writeFile(
      join(folder, "use.mjs"),
      `import { match, BlipForImageTextRetrieval } from "blip-ts";
       const rows = await match(["scene.png"], ["a small sheep on a purple background"]);
       console.log(JSON.stringify([typeof BlipForImageTextRetrieval.fromPretrained, rows[0].probability > 0.9]));`,
    );
    expect(JSON.parse((await node("use.mjs")).stdout)).toEqual(["function", true]);
  });

  test("is required", async () => {
    await writeFile(
      join(folder, "use.cjs"),
      'const { BlipForImageTextRetrieval } = require("blip-ts"); console.log(typeof BlipForImageTextRetrieval.fromPretrained);',
    );
    expect((await node("use.cjs")).stdout.trim()).toBe("function");
  });

  test("brings its types", async () => {
    await writeFile(
      join(folder, "use.mts"),
      `import { BlipForImageTextRetrieval, BlipProcessor, type Tensor } from "blip-ts";
       const processor: BlipProcessor = await BlipProcessor.fromPretrained("picture-book");
       const model: BlipForImageTextRetrieval = await BlipForImageTextRetrieval.fromPretrained("picture-book");
       const inputs = await processor("scene.png", "a sheep");
       const { itmScore } = await model.forward(inputs);
       const logits: Tensor<"float32"> = itmScore;
       // @ts-expect-error there is no such option
       await model.forward(inputs, { useItmHeads: false });
       await model.close();
       await using other = await BlipForImageTextRetrieval.fromPretrained("picture-book");
       const same: AsyncDisposable = other;
       export { logits, same };`,
    );
    await typecheck("use.mts");
  });

  test("brings the metrics and their types, without another package", async () => {
    await writeFile(
      join(folder, "metrics.mts"),
      `import { captionMetrics, type CaptionReport } from "blip-ts/metrics";
       const report: CaptionReport = captionMetrics(["a dog"], [["a dog"]]);
       // @ts-expect-error references are lists
       captionMetrics(["a dog"], ["a dog"]);
       export { report };`,
    );
    await typecheck("metrics.mts");
    await writeFile(
      join(folder, "metrics.mjs"),
      `import { captionMetrics, retrievalMetrics } from "blip-ts/metrics";
       import { retrievalMetrics as same } from "blip-ts";
       console.log(captionMetrics(["a dog"], [["a dog"]]).rougeL, retrievalMetrics === same);`,
    );
    expect((await node("metrics.mjs")).stdout.trim()).toBe("1 true");
    const bundle = await readFile(join(folder, "node_modules/blip-ts/dist/metrics.js"), "utf8");
    expect(bundle).not.toMatch(/^(?:import|export)\b.*from "(?!\.\/)/m);
  });

  test.each(["blip", "blip-ts"])("brings the command as %s", async (name) => {
    const { stdout } = await run(join(folder, "node_modules/.bin", name), matchArguments);
    expect((JSON.parse(stdout) as Row[])[0]?.probability).toBeGreaterThan(0.9);
  });

  test("has a page's door without Node's modules", async () => {
    const seen = new Set<string>();
    const visit = async (file: string): Promise<void> => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = await readFile(join(folder, "node_modules/blip-ts/dist", file), "utf8");
      expect(text, file).not.toMatch(/from "(?:node:|sharp|onnxruntime-node)/);
      for (const [, next] of text.matchAll(/from "\.\/([^"]+)"/g)) await visit(next ?? "");
    };
    await visit("web.js");
    expect(seen.size).toBeGreaterThan(1);
  });
});
