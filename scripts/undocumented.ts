// Finds public symbols without a docstring: exported functions, classes, methods, options and fields. The test of the
// API snapshot calls it, since it has the program at hand.
import ts from "typescript";

const isLibrary = ({ fileName }: ts.SourceFile): boolean =>
  /\/typescript\/lib\/lib\.[\w.]+\.d\.ts$|\/node_modules\//.test(fileName);

const isPrivate = (symbol: ts.Symbol): boolean =>
  symbol.name.startsWith("#") ||
  symbol.name.startsWith("__") ||
  (symbol.declarations ?? []).some(
    (declaration) =>
      ts.canHaveModifiers(declaration) &&
      ts
        .getModifiers(declaration)
        ?.some(({ kind }) =>
          [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword].includes(kind),
        ) === true,
  );

/** Whether a destructured name, as in `const { match } = createApi(...)`, has a comment before it. */
const isCommented = (declaration: ts.Declaration): boolean =>
  ts.isBindingElement(declaration) && declaration.getFullText().trimStart().startsWith("/**");

const isDocumented = (checker: ts.TypeChecker, symbol: ts.Symbol): boolean =>
  symbol.getDocumentationComment(checker).length > 0 ||
  symbol.getJsDocTags(checker).length > 0 ||
  symbol.declarations?.some(isCommented) === true;

/** The file and line, relative to the root. */
const placeOf = (symbol: ts.Symbol, root: string): string => {
  const [declaration] = symbol.declarations ?? [];
  if (!declaration) return "";
  const source = declaration.getSourceFile();
  const { line } = source.getLineAndCharacterOfPosition(declaration.getStart());
  return `${source.fileName.replace(root, "")}:${line + 1}`;
};

/** The public members: of classes with their static members, of interfaces, and of object types. */
function membersOf(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol[] {
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  const own = checker
    .getPropertiesOfType(type)
    .filter(({ declarations }) => declarations?.every((one) => !isLibrary(one.getSourceFile())));
  const statics =
    symbol.flags & ts.SymbolFlags.Class
      ? [...(symbol.exports?.values() ?? [])].filter(({ flags }) => !(flags & ts.SymbolFlags.Prototype))
      : [];
  return [...own, ...statics].filter((member) => !isPrivate(member));
}

/**
 * Finds the symbols without a docstring.
 * @param exported the exported symbols of an entry point
 * @param root the folder that paths are relative to
 * @returns "NAME.member FILE:LINE" for each symbol without a docstring, sorted
 */
export function undocumented(
  checker: ts.TypeChecker,
  exported: readonly ts.Symbol[],
  root: string,
): string[] {
  const names = exported.flatMap((name) => {
    const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name;
    const own = isDocumented(checker, symbol) ? [] : [`${name.name} ${placeOf(symbol, root)}`];
    const isType = (symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0;
    if (!isType) return own;
    return [
      ...own,
      ...membersOf(checker, symbol)
        .filter((member) => !isDocumented(checker, member))
        .map((member) => `${name.name}.${member.name} ${placeOf(member, root)}`),
    ];
  });
  return [...new Set(names)].sort();
}
