// Names that say nothing of their value: `found` tells that something was looked for, not what it is. They may stand where
// the eye sees the value beside them, in a short function; in a signature or a long function they may not.
import ts from "typescript";

const fillers = new Set(["one", "found", "place", "given", "kept"]);

/** Lines up to which a function is taken in at a glance. */
const glance = 15;

const isMember = (node) =>
  ts.isPropertySignature(node) ||
  ts.isPropertyDeclaration(node) ||
  ts.isMethodSignature(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isAccessor(node);

/** A name that this code chose: `{ found }` takes a name from elsewhere, where it is reported. */
const isChosen = (node) =>
  isMember(node) ||
  ts.isVariableDeclaration(node) ||
  ts.isParameter(node) ||
  ts.isFunctionDeclaration(node) ||
  (ts.isBindingElement(node) && !(ts.isObjectBindingPattern(node.parent) && !node.propertyName));

/** A function handed to a call says what it takes by the call; its parameters are no signature. */
const isCallback = (node) => ts.isCallExpression(node.parent) || ts.isNewExpression(node.parent);

const isSignature = (node) =>
  isMember(node) || ts.isFunctionDeclaration(node) || (ts.isParameter(node) && !isCallback(node.parent));

/** `found` is the other half of `expected`; `place` is a term where it is a Place: a file with a line. */
function isTerm(node, file) {
  const name = node.name.text;
  if (/errors\.ts$/.test(file)) return name === "found" || name === "place";
  if (name === "place") return /\bPlace(?:Name)?\b|\["place"\]/.test(node.type?.getText() ?? "");
  if (name !== "found") return false;
  const siblings = node.parent.parameters ?? node.parent.members ?? node.parent.elements ?? [];
  return siblings.some((sibling) => sibling.name?.getText() === "expected");
}

/**
 * @param {ts.SourceFile} source with parents
 * @returns {{ line: number, name: string, where: string }[]} the fillers in signatures and in long functions
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
