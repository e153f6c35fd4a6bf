// The package as people get it: the tarball in an empty folder, and the embedded model at work without a network.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../../", import.meta.url));
const packageFolder = join(root, "packages/blip");
const scene = join(root, "examples/scenes/01.png");
const matchArguments = [
  "match",
  scene,
  "-t",
  "a lemon to the right of a light bulb in a forest",
  "--json",
  "--quiet",
];

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
      "dist/globals.d.ts",
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

  const ownTypescript = join(root, "node_modules/typescript/bin/tsc");
  const typecheck = async (
    file: string,
    { compiler = ownTypescript, ...options }: Readonly<Record<string, unknown>> & { compiler?: string } = {},
  ) => {
    // What this package's types need beyond ES2022 they bring: no DOM, no @types/node.
    const language = { target: "es2022", lib: ["es2022"], types: [], module: "nodenext" };
    const compilerOptions = { noEmit: true, strict: true, skipLibCheck: false, ...language, ...options };
    const project = join(folder, "tsconfig.json");
    await writeFile(project, JSON.stringify({ compilerOptions, files: [file] }));
    await run(process.execPath, [compiler, "-p", project], { cwd: folder }).catch((error: unknown) => {
      throw new Error((error as { stdout: string }).stdout);
    });
  };
  const node = (file: string) => run(process.execPath, [file], { cwd: folder });

  test("is imported", async () => {
    await copyFile(scene, join(folder, "scene.png"));
    await writeFile(
      join(folder, "use.mjs"),
      `import { match, BlipForImageTextRetrieval } from "blip-ts";
       const rows = await match(["scene.png"], ["a lemon to the right of a light bulb in a forest"]);
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
       const processor: BlipProcessor = await BlipProcessor.fromPretrained("picture-book", { task: "match" });
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

  /** A program of all entries, which a lib file or @types/node may add to. */
  const allEntries = `
    import { Batched, match, Matcher, type MatchRow } from "blip-ts";
    import { captionMetrics } from "blip-ts/metrics";
    import * as platform from "blip-ts/platform";
    import * as train from "blip-ts/train";
    const matcher: Matcher = await Matcher.fromPretrained("picture-book");
    const batched = new Batched({ matcher });
    const rows: MatchRow<string>[] = await batched.match("scene.png", ["a sheep"]);
    // @ts-expect-error a number is no signal
    await match(["scene.png"], ["a sheep"], { signal: 1 });
    await batched.abort();
    export { captionMetrics, platform, rows, train };`;
  const page = { module: "esnext", moduleResolution: "bundler", customConditions: ["browser"] };
  const inPage = `
    import { configure, match } from "blip-ts";
    configure({ runtime: "/ort/" });
    const rows = await match(["scene.png"], ["a sheep"]);
    // @ts-expect-error a number is no image
    await match([1], ["a sheep"]);
    export { rows };`;
  const programs = [
    ["ES2022 alone", "all.mts", {}],
    ["ES2022 alone, a page's entry", "page.mts", page],
    ["the DOM, a page's entry", "page.mts", { ...page, lib: ["es2022", "dom", "dom.iterable"] }],
    ["Node's types", "all.mts", { types: ["node"], typeRoots: [join(root, "node_modules/@types")] }],
  ] as const;

  // 5.2 is the first that knows what is disposable.
  test.for(["5.2", "5.9", "6.0"])(
    "brings types that TypeScript %s checks without skipLibCheck",
    async (version, { skip }) => {
      let compiler = ownTypescript;
      if (version !== "6.0") {
        const home = join(folder, `typescript-${version}`);
        await mkdir(home);
        await writeFile(join(home, "package.json"), '{ "private": true }\n');
        const args = ["i", "--ignore-scripts", "--no-audit", "--no-fund", `typescript@${version}`];
        const installed = await run("npm", args, { cwd: home, timeout: 180_000 }).catch(() => undefined);
        if (!installed) return skip(`TypeScript ${version} cannot be installed here`);
        compiler = join(home, "node_modules/typescript/bin/tsc");
      }
      expect((await run(process.execPath, [compiler, "--version"])).stdout).toContain(` ${version}.`);
      await writeFile(join(folder, "all.mts"), allEntries);
      await writeFile(join(folder, "page.mts"), inPage);
      for (const [, file, options] of programs) await typecheck(file, { compiler, ...options });
    },
  );

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
