// A lint rule that forbids a default for an element of a list. A default satisfies the compiler and hides a wrong
// index: it pairs a text with image 0. `must(list, index)` throws instead; in a hot loop, `list[index] ?? missed("what
// it holds")` throws at the cost of a default.
import { ESLintUtils } from "@typescript-eslint/utils";
import ts from "typescript";

/** The list access that may yield undefined to the expression: `list[i]`, `list[i]?.field`, `list.at(i)`. */
function accessOf(node) {
  switch (node.type) {
    case "ChainExpression":
    case "TSAsExpression":
      return accessOf(node.expression);
    case "MemberExpression":
      return node.computed && !node.optional && !hasOptional(node.object) ? node : accessOf(node.object);
    case "CallExpression": {
      const { callee } = node;
      const isAt = callee.type === "MemberExpression" && !callee.computed && callee.property.name === "at";
      return isAt && !callee.optional && !hasOptional(callee.object) ? node : accessOf(callee);
    }
    default:
      return undefined;
  }
}

const hasOptional = (node) =>
  node.type === "MemberExpression"
    ? node.optional || hasOptional(node.object)
    : node.type === "CallExpression" && (node.optional || hasOptional(node.callee));

/**
 * Whether a default is a mere filler for the compiler. (`?? 1` for a shape's last dimension, in contrast, means a
 * scalar.)
 */
const isEmptyValue = (node) =>
  (node.type === "Literal" && (node.value === 0 || node.value === "")) ||
  (node.type === "Identifier" && node.name === "NaN");

export const noIndexDefault = ESLintUtils.RuleCreator.withoutDocs({
  meta: {
    type: "problem",
    hasSuggestions: true,
    schema: [],
    messages: {
      hidden:
        "a default hides a wrong index: must({{list}}, {{index}}), or in a hot loop {{list}}[{{index}}] ?? missed('what it holds')",
      must: "throw if the index is wrong",
      missed: "throw if the index is wrong, in a hot loop",
      pattern: "a default hides a list that is too short: atLeast(list, count), or type it as a tuple",
    },
  },
  defaultOptions: [],
  create(context) {
    const services = ESLintUtils.getParserServices(context);
    const checker = services.program.getTypeChecker();
    const text = (node) => context.sourceCode.getText(node);

    /** Whether a node is a list whose elements the compiler does not type one by one. */
    const isList = (node) => {
      const type = checker.getNonNullableType(services.getTypeAtLocation(node));
      const parts = type.isUnion() ? type.types : [type];
      return parts.every(
        (part) =>
          checker.getIndexInfoOfType(part, ts.IndexKind.Number) !== undefined &&
          part.getProperty("length") !== undefined,
      );
    };

    /** Whether the default throws, or keeps undefined visible: `list[0] ?? others[0]`. */
    const isSeen = (node) => {
      const type = services.getTypeAtLocation(node);
      const parts = type.isUnion() ? type.types : [type];
      return parts.some((part) => (part.flags & (ts.TypeFlags.Never | ts.TypeFlags.Undefined)) !== 0);
    };

    return {
      "LogicalExpression[operator='??']"(node) {
        const access = accessOf(node.left);
        if (access === undefined || isSeen(node.right)) return;
        const at = access.type === "CallExpression";
        const list = at ? access.callee.object : access.object;
        const index = at ? access.arguments[0] : access.property;
        if (!isList(list) || index === undefined || (at && !isEmptyValue(node.right))) return;
        // Groups of a regular expression's match may be missing.
        const match = checker.typeToString(services.getTypeAtLocation(list));
        if (/RegExp(Exec|Match)Array/.test(match)) return;
        const last = at && text(index) === "-1";
        const checked = last ? `last(${text(list)})` : `must(${text(list)}, ${text(index)})`;
        const rest = text(node.left)
          .slice(access.range[1] - node.left.range[0])
          .replace(/^\?\./, ".");
        context.report({
          node,
          messageId: "hidden",
          data: { list: text(list), index: text(index) },
          suggest: [
            { messageId: "must", fix: (fixer) => fixer.replaceText(node, checked + rest) },
            ...(at || rest !== ""
              ? []
              : [
                  {
                    messageId: "missed",
                    fix: (fixer) => fixer.replaceText(node.right, `missed("element")`),
                  },
                ]),
          ],
        });
      },
      "ArrayPattern > AssignmentPattern"(node) {
        const pattern = node.parent;
        const type = services.getTypeAtLocation(pattern.parent.init ?? pattern);
        const tuple = checker.isTupleType(type);
        if (!tuple && isEmptyValue(node.right) && !/RegExp/.test(checker.typeToString(type)))
          context.report({ node, messageId: "pattern" });
      },
    };
  },
});
