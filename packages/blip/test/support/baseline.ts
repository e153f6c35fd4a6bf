// What a script needs of the engine that runs it, beside what a list of engines has: MDN's compatibility data
// (@mdn/browser-compat-data) about every global, static member and member name that the script speaks of.
import { createRequire } from "node:module";
import type { CompatData, CompatStatement, Identifier } from "@mdn/browser-compat-data";
import { Linter, type Rule } from "eslint";

// Not imported: the tests' bundler would make a script of its 20 MB.
const data = createRequire(import.meta.url)("@mdn/browser-compat-data") as CompatData;

/** Engines by MDN's names, with the oldest version of each that has to do. */
export type Engines = Readonly<Record<string, string>>;

/** What README states for pages: the first of each with WebAssembly SIMD and all of ES2022. */
export const browsers: Engines = { chrome: "111", firefox: "128", safari: "16.4" };
/** package.json's `engines`. */
export const oldestNode: Engines = { nodejs: "20.19.0" };

/** Something that a script speaks of and that not all of the engines have. */
export interface Missing {
  /** `AbortSignal.any`, or `.toSorted` for a member of something unknown. */
  readonly feature: string;
  readonly line: number;
  readonly lacking: readonly string[];
}

const parts = (version: string) => version.split(".").map(Number);

/** Is `a` at most `b`? */
function atMost(a: string, b: string): boolean {
  const [left, right] = [parts(a), parts(b)];
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? 0;
    if (part !== other) return part < other;
  }
  return true;
}

type Version = { readonly version_added?: unknown; readonly version_removed?: unknown };

/** MDN writes "≤79" for a version that may be an earlier one. */
const isSince = (version: unknown, engine: string): boolean =>
  typeof version === "string" && version !== "preview" && atMost(version.replace("≤", ""), engine);

/** Has an engine of this version what the statement says, under this name and without a flag? */
const isIn = (one: Version, engine: string): boolean =>
  !("flags" in one || "prefix" in one || "alternative_name" in one) &&
  isSince(one.version_added, engine) &&
  !isSince(one.version_removed, engine);

/** The engines that lack a feature; those about which nothing is known do not lack it. */
function lacking({ support }: CompatStatement, engines: Engines): string[] {
  const known = new Map<string, Version | readonly Version[]>(Object.entries(support));
  return Object.entries(engines).flatMap(([engine, version]) => {
    const found = known.get(engine);
    const has = found === undefined || [found].flat().some((one) => isIn(one, version));
    return has ? [] : [`${engine} ${version}`];
  });
}

const { builtins } = data.javascript;
const homes: readonly Identifier[] = [builtins ?? {}, data.api];
const entry = (home: Identifier | undefined, name: string): Identifier | undefined =>
  home && Object.hasOwn(home, name) && name !== "__compat" ? home[name] : undefined;

/** Globals that are instances: where their members are described. */
const instances: Readonly<Record<string, readonly string[]>> = {
  ...{ navigator: ["Navigator", "WorkerNavigator"], crypto: ["Crypto"], caches: ["CacheStorage"] },
  ...{ document: ["Document"], performance: ["Performance"], console: ["console"] },
  ...{ globalThis: ["Window"], self: ["Window", "WorkerGlobalScope"], window: ["Window"] },
};

/** What is said of a global. */
const globalStatements = (name: string): CompatStatement[] =>
  homes.flatMap((home) => entry(home, name)?.__compat ?? []);

/** What is said of a member of a global. */
const memberStatements = (global: string, member: string): CompatStatement[] =>
  homes.flatMap((home) =>
    [global, ...(instances[global] ?? [])].flatMap((owner) =>
      [member, `${member}_static`].flatMap((name) => entry(entry(home, owner), name)?.__compat ?? []),
    ),
  );

/** Interfaces of the platform whose members this package uses; those of the language's own all count. */
const used = [
  ...["AbortSignal", "Blob", "Cache", "CacheStorage", "ImageBitmap", "MessageEvent", "OffscreenCanvas"],
  ...[
    "OffscreenCanvasRenderingContext2D",
    "ReadableStream",
    "Request",
    "Response",
    "SubtleCrypto",
    "URL",
    "Worker",
  ],
];

interface Member {
  readonly owner: CompatStatement | undefined;
  readonly statement: CompatStatement;
}

/** By a member's name, all members of that name. */
const byName = new Map<string, Member[]>();
for (const owner of [...Object.values(builtins ?? {}), ...used.map((name) => data.api[name])] as Identifier[])
  for (const [name, { __compat: statement }] of Object.entries(owner) as [string, Identifier][])
    if (statement) {
      const plain = name.replace(/_static$/, "");
      byName.set(plain, [...(byName.get(plain) ?? []), { owner: owner.__compat, statement }]);
    }

/** What is said of members of a name, but for those of interfaces that engines lack altogether. */
const namedStatements = (name: string, engines: Engines): CompatStatement[] =>
  (byName.get(name) ?? [])
    .filter(({ owner }) => owner === undefined || lacking(owner, engines).length === 0)
    .map(({ statement }) => statement);

/** The engines that lack each of these; none if nothing is said. */
function lackingAll(statements: readonly CompatStatement[], engines: Engines): readonly string[] {
  let least: readonly string[] | undefined;
  for (const one of statements) {
    const without = lacking(one, engines);
    if (without.length === 0) return [];
    least ??= without;
  }
  return least ?? [];
}

type Node = Rule.Node;

/** The name of a member that is written as such. */
const memberName = (node: Node): string | undefined =>
  node.type === "MemberExpression" && !node.computed && node.property.type === "Identifier"
    ? node.property.name
    : undefined;

/**
 * What a script speaks of and not all engines have. A member of something whose kind is not known counts if no member of
 * that name is there in all engines.
 * @param code an ES module
 * @throws {Error} if its syntax is not that of ES2022
 */
export function missingIn(code: string, file: string, engines: Engines): Missing[] {
  const found: Missing[] = [];
  const known = new Map<string, readonly string[]>();
  const say = (feature: string, node: Node, statements: readonly CompatStatement[]) => {
    const without = known.get(feature) ?? lackingAll(statements, engines);
    known.set(feature, without);
    if (without.length > 0) found.push({ feature, line: node.loc?.start.line ?? 0, lacking: without });
  };
  const create: Rule.RuleModule["create"] = ({ sourceCode }) => {
    const globals = new Set<unknown>();
    return {
      Program() {
        const scope = sourceCode.scopeManager.globalScope;
        // Names that nothing declares, and those that ESLint knows to be the language's.
        const references = [
          ...(scope?.through ?? []),
          ...(scope?.variables ?? []).flatMap((one) => one.references),
        ];
        for (const { identifier } of references) globals.add(identifier);
      },
      Identifier(node) {
        if (globals.has(node)) say(node.name, node, globalStatements(node.name));
      },
      MemberExpression(node) {
        const name = memberName(node);
        if (name === undefined) return;
        const { object } = node;
        if (object.type === "Identifier" && globals.has(object)) {
          const statements = memberStatements(object.name, name);
          if (statements.length > 0) {
            say(`${object.name}.${name}`, node, statements);
            return;
          }
        }
        say(`.${name}`, node, namedStatements(name, engines));
      },
    };
  };
  const messages = new Linter().verify(
    code,
    {
      languageOptions: { ecmaVersion: 2022, sourceType: "module" },
      linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "off" },
      plugins: { baseline: { rules: { scan: { create } } } },
      rules: { "baseline/scan": "error" },
    },
    file,
  );
  const [fatal] = messages;
  if (fatal) throw new Error(`${file}:${fatal.line}: ${fatal.message}`);
  return found;
}
