// Runs the programs of docs/metrics.md, compares their output with their comments, and checks their types.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import * as metrics from "../src/index.ts";

const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
const programs = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, program = ""]) => program);
const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
/** The globals that Node and pages share. */
const globals = fileURLToPath(new URL("../../base/src/universal.d.ts", import.meta.url));

/** The text that console.log prints for these values. */
const printed = (values: readonly unknown[]) =>
  values
    .map((value) => (typeof value === "string" ? value : inspect(value, { breakLength: Infinity })))
    .join(" ");

test("each program of docs/metrics.md prints the output in its comments", () => {
  expect(programs.length).toBeGreaterThan(8);
  for (const program of programs) {
    const { outputText } = ts.transpileModule(program, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    });
    const lines: string[] = [];
    const log = (...values: readonly unknown[]) => lines.push(printed(values));
    // The programs come from this repository.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval
    const run = new Function("require", "console", "exports", outputText) as (...args: unknown[]) => void;
    run(() => metrics, { log }, {});
    const expected = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
      ([, comment = ""]) => comment,
    );
    expect(expected).toHaveLength([...program.matchAll(/console\.log/g)].length);
    expect(lines, program).toEqual(expected);
  }
});

test("each program of docs/metrics.md has correct types", { timeout: 120_000 }, () => {
  const files = new Map(
    programs.map((program, index) => [
      `/docs/${index}.ts`,
      `declare const console: { log(...values: unknown[]): void };\n${program}`,
    ]),
  );
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: [],
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    paths: { "blip-ts/metrics": [entry] },
  };
  const host = ts.createCompilerHost(options);
  const [read, exists] = [host.readFile.bind(host), host.fileExists.bind(host)];
  const source = host.getSourceFile.bind(host);
  host.readFile = (name) => files.get(name) ?? read(name);
  host.fileExists = (name) => files.has(name) || exists(name);
  host.getSourceFile = (name, language, ...rest) => {
    const text = files.get(name);
    return text === undefined ? source(name, language, ...rest) : ts.createSourceFile(name, text, language);
  };
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([...files.keys(), globals], options, host));
  const messages = diagnostics.map(
    ({ messageText, file }) =>
      `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
  );
  expect(messages).toEqual([]);
});

test("docs/metrics.md shows every function", () => {
  for (const [name, value] of Object.entries(metrics))
    if (typeof value === "function") expect(programs.join("\n"), name).toContain(name);
});
