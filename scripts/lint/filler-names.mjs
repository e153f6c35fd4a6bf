// Finds names that say nothing about their values: `found` says that something was searched for, not what it is. Such
// names are allowed in short functions, where the value is in sight, but not in signatures or long functions.
import ts from "typescript";

const fillers = new Set(["one", "found", "place", "given", "kept"]);

/** The number of lines up to which a function is short. */
const glance = 15;

const isMember = (node) =>
  ts.isPropertySignature(node) ||
  ts.isPropertyDeclaration(node) ||
  ts.isMethodSignature(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isAccessor(node);

/** Whether this code chose the name. `{ found }` takes a name from elsewhere, and is reported there. */
const isChosen = (node) =>
  isMember(node) ||
  ts.isVariableDeclaration(node) ||
  ts.isParameter(node) ||
  ts.isFunctionDeclaration(node) ||
  (ts.isBindingElement(node) && !(ts.isObjectBindingPattern(node.parent) && !node.propertyName));

/** Whether a function is an argument of a call. The call explains its parameters, so they are not a signature. */
const isCallback = (node) => ts.isCallExpression(node.parent) || ts.isNewExpression(node.parent);

const isSignature = (node) =>
  isMember(node) || ts.isFunctionDeclaration(node) || (ts.isParameter(node) && !isCallback(node.parent));

/** Whether the name is a term: `found` beside `expected`, or `place` for a Place (a file with a line). */
function isTerm(node, file) {
  const name = node.name.text;
  if (/errors\.ts$/.test(file)) return name === "found" || name === "place";
  if (name === "place") return /\bPlace(?:Name)?\b|\["place"\]/.test(node.type?.getText() ?? "");
  if (name !== "found") return false;
  const siblings = node.parent.parameters ?? node.parent.members ?? node.parent.elements ?? [];
  return siblings.some((sibling) => sibling.name?.getText() === "expected");
}

/**
 * Finds fillers in signatures and in long functions.
 * @param {ts.SourceFile} source a source file with parents set
 * @returns {{ line: number, name: string, where: string }[]} the fillers
 */
export function fillerNames(source) {
  const line = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const names = [];
  const visit = (node, lines) => {
    if (isChosen(node) && node.name && fillers.has(node.name.text) && !isTerm(node, source.fileName)) {
      const where = isSignature(node) ? "a signature" : lines > glance ? `a function of ${lines} lines` : "";
      if (where) names.push({ line: line(node.name.getStart()), name: node.name.text, where });
    }
    const own = ts.isFunctionLike(node) && node.body ? line(node.end) - line(node.getStart()) + 1 : 0;
    ts.forEachChild(node, (child) => visit(child, Math.max(lines, own)));
  };
  visit(source, 0);
  return names;
}
