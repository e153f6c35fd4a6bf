// Makes docs/errors.md from the factories: each code with its class, its cause and its remedy. `npm run errors` writes
// it; error-codes.test.ts compares it and requires a docstring and `@remedy` for every factory.
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../", import.meta.url));
const codesFile = "packages/base/src/codes.ts";
const errorClasses: ReadonlySet<string> = new Set(["ModelError", "InputError", "UsageError"]);

/** A function that makes an error or a warning. */
interface Factory {
  /** File and line: "packages/base/src/errors.ts:66". */
  readonly place: string;
  readonly codes: readonly string[];
  /** The error's class, such as "ModelError"; undefined for a warning. */
  readonly kind: string | undefined;
  readonly when: string;
  readonly remedy: string;
}

export interface ErrorCodes {
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly factories: readonly Factory[];
  /** Mistakes in the sources: "FILE:LINE: expected ..., got ...". */
  readonly faults: readonly string[];
}

const isSource = (file: string): boolean =>
  /^packages\/(?!testing\/)[^/]+\/src\/.*\.ts$/.test(file) && !/\.test\.ts$|\/generated\//.test(file);

const sourceFiles = (): string[] =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "packages"], {
    cwd: root,
    encoding: "utf8",
  })
    .split("\n")
    .filter(isSource);

const holdsFactories = (file: string): boolean => /(?:^|[/-])errors\.ts$/.test(file);

const parse = (file: string, text: string) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

/** The string literals of a type: "a" | "b". */
function literalsOf(type: ts.Node): string[] {
  const texts: string[] = [];
  visit(type, (node) => {
    if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) texts.push(node.literal.text);
  });
  return texts;
}

/** The type aliases of a file with their string literals. */
const aliasesOf = (source: ts.SourceFile): ReadonlyMap<string, readonly string[]> =>
  new Map(
    source.statements.flatMap((statement) =>
      ts.isTypeAliasDeclaration(statement) ? [[statement.name.text, literalsOf(statement.type)]] : [],
    ),
  );

const placeOf = (node: ts.Node): string => {
  const source = node.getSourceFile();
  return `${source.fileName}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
};

/** The functions at the top level of a file, each with the statement that carries its docstring. */
function functionsOf(source: ts.SourceFile): (readonly [ts.SignatureDeclaration, ts.Statement])[] {
  return source.statements.flatMap((statement): (readonly [ts.SignatureDeclaration, ts.Statement])[] => {
    if (ts.isFunctionDeclaration(statement)) return [[statement, statement]];
    if (!ts.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.flatMap(({ initializer }) =>
      initializer && ts.isArrowFunction(initializer) ? [[initializer, statement] as const] : [],
    );
  });
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim();

/** A docstring's description and its `@remedy`. */
function textsOf(statement: ts.Statement): Pick<Factory, "when" | "remedy"> {
  const [doc] = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
  const remedy = doc?.tags?.find(({ tagName }) => tagName.text === "remedy");
  return {
    when: oneLine(ts.getTextOfJSDocComment(doc?.comment) ?? ""),
    remedy: oneLine(ts.getTextOfJSDocComment(remedy?.comment) ?? ""),
  };
}

/** The codes that a function passes to errors or warnings, as literals or through a parameter's type. */
function codesOf(
  made: ts.SignatureDeclaration,
  known: ReadonlySet<string>,
  aliases: ReadonlyMap<string, readonly string[]>,
): string[] {
  const texts: string[] = [];
  visit(made, (node) => {
    if (!ts.isStringLiteral(node)) return;
    const { parent } = node;
    const isArgument =
      (ts.isCallExpression(parent) || ts.isNewExpression(parent)) && parent.expression !== node;
    const isCode = ts.isPropertyAssignment(parent) && parent.name.getText() === "code";
    if (isArgument || isCode) texts.push(node.text);
  });
  for (const { type } of made.parameters)
    if (type)
      texts.push(
        ...(ts.isTypeReferenceNode(type) ? (aliases.get(type.typeName.getText()) ?? []) : literalsOf(type)),
      );
  return [...new Set(texts.filter((text) => known.has(text)))];
}

/** Reports errors and warnings that a file creates outside of factories. */
function inlineFaults(source: ts.SourceFile, warnings: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  visit(source, (node) => {
    const isError = ts.isNewExpression(node) && errorClasses.has(node.expression.getText());
    const isWarning =
      ts.isPropertyAssignment(node) &&
      node.name.getText() === "code" &&
      ts.isStringLiteral(node.initializer) &&
      warnings.has(node.initializer.text);
    if (isError || isWarning)
      faults.push(
        `${placeOf(node)}: expected a factory in errors.ts, got ${isError ? "an error" : "a warning"} made here. Move it.`,
      );
  });
  return faults;
}

/** Messages must name options as TypeScript callers write them. The command translates them (option-names.ts). */
function flagFaults(source: ts.SourceFile): string[] {
  const faults: string[] = [];
  visit(source, (node) => {
    if (
      !ts.isStringLiteral(node) &&
      !ts.isNoSubstitutionTemplateLiteral(node) &&
      !ts.isTemplateExpression(node)
    )
      return;
    const text = node.getText();
    const flag = /(?<![\w-])--[a-z][\w-]*/.exec(text);
    if (flag && !/\b(?:blip|npm) [\w-]+/.test(text.slice(0, flag.index)))
      faults.push(
        `${placeOf(node)}: expected an option's name in TypeScript, got ${flag[0]}. Write \`name: value\`; the command translates it.`,
      );
  });
  return faults;
}

/** A file's factories and mistakes. */
function readSource(source: ts.SourceFile, known: ReadonlySet<string>, warnings: ReadonlySet<string>) {
  const { fileName } = source;
  if (!holdsFactories(fileName)) return { factories: [], faults: inlineFaults(source, warnings) };
  const faults = fileName.startsWith("packages/cli/") ? [] : flagFaults(source);
  const aliases = aliasesOf(source);
  const factories = functionsOf(source).flatMap(([made, statement]): Factory[] => {
    const codes = codesOf(made, known, aliases);
    if (codes.length === 0) return [];
    // The class that the factory creates itself, or that another function of the file returns to it.
    const kind = [...errorClasses].find(
      (name) => statement.getText().includes(`new ${name}(`) || made.type?.getText() === name,
    );
    return [{ place: placeOf(statement), codes, kind, ...textsOf(statement) }];
  });
  for (const { place, when, remedy } of factories)
    if (when === "" || remedy === "")
      faults.push(`${place}: expected a docstring that says when, and @remedy, got none. Write both.`);
  return { factories, faults };
}

/** A file's mistakes, for tests. */
export const faultsOf = (
  file: string,
  text: string,
  known: ReadonlySet<string>,
  warnings: ReadonlySet<string>,
): readonly string[] => readSource(parse(file, text), known, warnings).faults;

/** Reads the sources' factories. */
export async function errorCodes(): Promise<ErrorCodes> {
  const read = async (file: string) => {
    const text = await readFile(join(root, file), "utf8").catch(() => "");
    return holdsFactories(file) || /new (?:Model|Input|Usage)Error\(|code: "/.test(text) || file === codesFile
      ? [parse(file, text)]
      : [];
  };
  const sources = (await Promise.all(sourceFiles().map(read))).flat();
  const unions = aliasesOf(sources.find(({ fileName }) => fileName === codesFile) ?? parse(codesFile, ""));
  const errors = unions.get("BlipErrorCode") ?? [];
  const warnings = unions.get("WarningCode") ?? [];
  const known = new Set([...errors, ...warnings]);
  const parts = sources.map((source) => readSource(source, known, new Set(warnings)));
  const factories = parts.flatMap((part) => part.factories);
  const made = new Set(factories.flatMap(({ codes }) => codes));
  const unmade = [...known]
    .filter((code) => !made.has(code))
    .map((code) => `${codesFile}: expected a factory that makes ${code}, got none. Remove the code.`);
  const ofErrors = new Set(factories.flatMap(({ codes, kind }) => (kind === undefined ? [] : codes)));
  const classless = errors
    .filter((code) => made.has(code) && !ofErrors.has(code))
    .map(
      (code) =>
        `${codesFile}: expected a factory of ${code} that says its class, got none. Annotate what it returns.`,
    );
  return {
    ...{ errors, warnings, factories },
    faults: [...parts.flatMap(({ faults }) => faults), ...unmade, ...classless],
  };
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];

/** A row of the table, with one line for each cause of the code. */
function rowOf(code: string, factories: readonly Factory[]): string {
  const own = factories.filter(({ codes }) => codes.includes(code));
  const kinds = unique(own.flatMap(({ kind }) => kind ?? [])).map((kind) => `\`${kind}\``);
  const cells = [
    `\`${code}\``,
    ...(kinds.length > 0 ? [kinds.join(", ")] : []),
    unique(own.map(({ when }) => when)).join("<br>"),
    unique(own.map(({ remedy }) => remedy)).join("<br>"),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The page as Markdown. */
export function errorsPage({ errors, warnings, factories }: ErrorCodes): string {
  const ofErrors = factories.filter(({ kind }) => kind !== undefined);
  const ofWarnings = factories.filter(({ kind }) => kind === undefined);
  return `# Errors and warnings

<!-- Made by \`npm run errors\` from the docstrings of the factories (errors.ts). Do not edit. -->

Every error that blip-ts throws on purpose has a stable \`code\`, a readable \`message\`, and \`fields\` with the values
that the message names. Its class says what to fix:

- \`ModelError\`: the model cannot be found, fetched, read, or used for the task. The command exits with 3.
- \`InputError\`: an image, a text or a data file cannot be used. The command exits with 2; it exits with 1 if only some rows fail.
- \`UsageError\`: an option or an argument is wrong. The command exits with 2.

\`\`\`ts
import { BlipError, match } from "blip-ts";

try {
  await match(["photo.jpg"], ["a dog"], { model: "my-model" });
} catch (error) {
  if (error instanceof BlipError && error.code === "model/not-found") console.error(error.message);
  else throw error;
}
\`\`\`

The command prints the code in brackets at the end of the message. Messages name options as you write them: \`maxPixels\`
in code, \`--max-pixels\` at the command. \`BlipErrorCode\` and \`WarningCode\` are the types of all codes below. A cancelled
call throws its signal's reason, not one of these errors.

## Errors

| code | class | when | what to do |
| --- | --- | --- | --- |
${errors.map((code) => rowOf(code, ofErrors)).join("\n")}

## Warnings

Warnings go to \`onWarning\`, or to stderr without it. You may ignore them.

| code | when | what to do |
| --- | --- | --- |
${warnings.map((code) => rowOf(code, ofWarnings)).join("\n")}
`;
}

export const pagePath = join(root, "docs/errors.md");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const codes = await errorCodes();
  for (const fault of codes.faults) console.error(fault);
  await writeFile(pagePath, errorsPage(codes));
  console.log(`docs/errors.md: ${codes.errors.length} errors, ${codes.warnings.length} warnings.`);
  process.exitCode = codes.faults.length > 0 ? 1 : 0;
}
