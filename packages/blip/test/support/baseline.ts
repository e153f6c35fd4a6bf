// Compares the features that a script uses with those that a list of engines supports. The source is MDN's
// compatibility data (@mdn/browser-compat-data) on every global, static member and member name in the script.
import { createRequire } from "node:module";
import type { CompatData, CompatStatement, Identifier } from "@mdn/browser-compat-data";
import { Linter, type Rule } from "eslint";

// Not imported, since the tests' bundler would turn its 20 MB into a script.
const data = createRequire(import.meta.url)("@mdn/browser-compat-data") as CompatData;

/** Engines by MDN's names, each with the oldest supported version. */
export type Engines = Readonly<Record<string, string>>;

/** The browsers that README states: the first version of each with WebAssembly SIMD and all of ES2022. */
export const browsers: Engines = { chrome: "111", firefox: "128", safari: "16.4" };
/** package.json's `engines`. */
export const oldestNode: Engines = { nodejs: "20.19.0" };

/** A feature that a script uses and some of the engines lack. */
export interface Missing {
  /** `AbortSignal.any`, or `.toSorted` for a member of something unknown. */
  readonly feature: string;
  readonly line: number;
  readonly lacking: readonly string[];
}

const parts = (version: string) => version.split(".").map(Number);

/** Whether `a` is at most `b`. */
function atMost(a: string, b: string): boolean {
  const [left, right] = [parts(a), parts(b)];
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? 0;
    if (part !== other) return part < other;
  }
  return true;
}

type Version = { readonly version_added?: unknown; readonly version_removed?: unknown };

/** Whether a version is at most the engine's. MDN writes "≤79" if the feature may be older. */
const isSince = (version: unknown, engine: string): boolean =>
  typeof version === "string" && version !== "preview" && atMost(version.replace("≤", ""), engine);

/** Whether an engine of this version has the feature, under this name and without a flag. */
const isIn = (one: Version, engine: string): boolean =>
  !("flags" in one || "prefix" in one || "alternative_name" in one) &&
  isSince(one.version_added, engine) &&
  !isSince(one.version_removed, engine);

/** The engines that lack a feature. An engine without data counts as having it. */
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

/** Globals that are instances, with the interfaces that describe their members. */
const instances: Readonly<Record<string, readonly string[]>> = {
  ...{ navigator: ["Navigator", "WorkerNavigator"], crypto: ["Crypto"], caches: ["CacheStorage"] },
  ...{ document: ["Document"], performance: ["Performance"], console: ["console"] },
  ...{ globalThis: ["Window"], self: ["Window", "WorkerGlobalScope"], window: ["Window"] },
};

/** The statements about a global. */
const globalStatements = (name: string): CompatStatement[] =>
  homes.flatMap((home) => entry(home, name)?.__compat ?? []);

/** The statements about a member of a global. */
const memberStatements = (global: string, member: string): CompatStatement[] =>
  homes.flatMap((home) =>
    [global, ...(instances[global] ?? [])].flatMap((owner) =>
      [member, `${member}_static`].flatMap((name) => entry(entry(home, owner), name)?.__compat ?? []),
    ),
  );

/** Platform interfaces that this package uses. All of the language's own members count. */
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

/** All members, by name. */
const byName = new Map<string, Member[]>();
for (const owner of [...Object.values(builtins ?? {}), ...used.map((name) => data.api[name])] as Identifier[])
  for (const [name, { __compat: statement }] of Object.entries(owner) as [string, Identifier][])
    if (statement) {
      const plain = name.replace(/_static$/, "");
      byName.set(plain, [...(byName.get(plain) ?? []), { owner: owner.__compat, statement }]);
    }

/** The statements about members with a name, except members of interfaces that engines lack altogether. */
const namedStatements = (name: string, engines: Engines): CompatStatement[] =>
  (byName.get(name) ?? [])
    .filter(({ owner }) => owner === undefined || lacking(owner, engines).length === 0)
    .map(({ statement }) => statement);

/** The engines that lack every one of these features; none if there are no statements. */
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

/** The name of a member access with a literal name. */
const memberName = (node: Node): string | undefined =>
  node.type === "MemberExpression" && !node.computed && node.property.type === "Identifier"
    ? node.property.name
    : undefined;

/**
 * Finds the features of a script that some engines lack. A member of a value of unknown type counts as missing if no
 * member with that name exists in all engines.
 * @param code an ES module
 * @throws {Error} if its syntax is not ES2022
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
        // Names without a declaration, and those that ESLint knows as the language's globals.
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
