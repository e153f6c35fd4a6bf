// The public API as text: every exported name of an entry point with its kind and signature, one line each.
import ts from "typescript";

const signatureFlags: ts.TypeFormatFlags =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope |
  ts.TypeFormatFlags.WriteArrowStyleSignature |
  ts.TypeFormatFlags.InTypeAlias;

function kindOf(symbol: ts.Symbol): string {
  const { flags } = symbol;
  if (flags & ts.SymbolFlags.Class) return "class";
  if (flags & ts.SymbolFlags.Function) return "function";
  if (flags & ts.SymbolFlags.Variable) return flags & ts.SymbolFlags.TypeAlias ? "const and type" : "const";
  if (flags & ts.SymbolFlags.Interface) return "interface";
  if (flags & ts.SymbolFlags.TypeAlias) return "type";
  return "other";
}

const isLibrary = ({ fileName }: ts.SourceFile): boolean =>
  /\/typescript\/lib\/lib\.[\w.]+\.d\.ts$/.test(fileName);

const isPrivate = (symbol: ts.Symbol): boolean =>
  symbol.name.startsWith("#") ||
  symbol.name.startsWith("__#") ||
  (symbol.declarations ?? []).some(
    (declaration) =>
      ts.canHaveModifiers(declaration) &&
      ts.getModifiers(declaration)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true,
  );

/** The members of a class or interface, including the static members of a class. */
function membersOf(checker: ts.TypeChecker, symbol: ts.Symbol): string[] {
  const text = (member: ts.Symbol, prefix = ""): string[] => {
    const declaration = member.declarations?.[0];
    if (!declaration || isPrivate(member)) return [];
    const optional = member.flags & ts.SymbolFlags.Optional ? "?" : "";
    const type = checker.getTypeOfSymbolAtLocation(member, declaration);
    const name = member.name.replace(/^__@(\w+)@\d+$/, "[Symbol.$1]");
    // A union of hundreds of codes, which its own line prints.
    const printed =
      type.aliasSymbol?.name === "BlipErrorCode"
        ? type.aliasSymbol.name
        : checker.typeToString(type, undefined, signatureFlags);
    return [`  ${prefix}${name}${optional}: ${printed}`];
  };
  // Includes inherited members, except those that every Error has.
  const own = checker
    .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
    .filter(({ declarations }) => declarations?.every((one) => !isLibrary(one.getSourceFile())));
  const statics = symbol.flags & ts.SymbolFlags.Class ? [...(symbol.exports?.values() ?? [])] : [];
  return [
    ...own.flatMap((member) => text(member)),
    ...statics
      .filter(({ flags }) => !(flags & ts.SymbolFlags.Prototype))
      .flatMap((member) => text(member, "static ")),
  ].sort();
}

function linesOf(checker: ts.TypeChecker, exported: ts.Symbol): string[] {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const kind = kindOf(symbol);
  const declaration = symbol.declarations?.[0];
  if (!declaration) return [`${exported.name}: ${kind}`];
  const print = (type: ts.Type) => checker.typeToString(type, undefined, signatureFlags);
  switch (kind) {
    case "class":
    case "interface":
      return [`${kind} ${exported.name}`, ...membersOf(checker, symbol)];
    case "type":
      return [`type ${exported.name} = ${print(checker.getDeclaredTypeOfSymbol(symbol))}`];
    default:
      return [`${kind} ${exported.name}: ${print(checker.getTypeOfSymbolAtLocation(symbol, declaration))}`];
  }
}

/** The exported symbols and the checker for their types. */
export interface Exported {
  readonly checker: ts.TypeChecker;
  readonly symbols: readonly ts.Symbol[];
}

/**
 * Prints the public API of each entry point.
 * @param entries names of entry points, each with its source file
 * @param config path of the tsconfig.json with the compiler options
 * @param see called with the symbols of each entry point
 * @returns for each entry point, one line per exported name and per public member, sorted by name
 */
export function publicApi(
  entries: Readonly<Record<string, string>>,
  config: string,
  see: (exported: Exported) => void = () => undefined,
): Record<string, string> {
  const read = ts.getParsedCommandLineOfConfigFile(
    config,
    { noEmit: true, composite: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
        throw new Error(ts.flattenDiagnosticMessageText(messageText, "\n"));
      },
    },
  );
  if (!read) throw new Error(`${config}: expected a TypeScript configuration, got none`);
  const program = ts.createProgram(Object.values(entries), read.options);
  const checker = program.getTypeChecker();
  return Object.fromEntries(
    Object.entries(entries).map(([name, file]) => {
      const source = program.getSourceFile(file);
      const symbol = source && checker.getSymbolAtLocation(source);
      if (!symbol) throw new Error(`${file}: expected a module, got none`);
      const exported = checker.getExportsOfModule(symbol).sort((a, b) => (a.name < b.name ? -1 : 1));
      see({ checker, symbols: exported });
      return [name, `${exported.flatMap((one) => linesOf(checker, one)).join("\n")}\n`];
    }),
  );
}
