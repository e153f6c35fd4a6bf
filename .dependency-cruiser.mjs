// The arrows between rooms: the layers of scripts/layers.mjs, and the order within `graph`. Tests wire rooms together as
// node.ts does, so they are left out.
import { forgottenRule, layerRules } from "./scripts/layers.mjs";

const graph = "^packages/graph/src/";
const datasets = "^packages/datasets/src/";
const published = "^packages/(?!testing/)[^/]+/src/";

/** `from` may import nothing that matches `to`, but for `except`. */
const forbid = (name, from, to, except) => ({
  name,
  severity: "error",
  from: { path: from },
  to: except === undefined ? { path: to } : { path: to, pathNot: except },
});

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    ...layerRules(),
    forbid("graph-types", `${graph}types/`, graph, `${graph}(types/|errors)`),
    forbid("graph-ops", `${graph}ops/`, `${graph}(onnx|reference|passes|autodiff|builder|check)`),
    forbid("graph-passes", `${graph}passes/`, `${graph}(onnx|reference)`),
    forbid("graph-autodiff", `${graph}autodiff/`, `${graph}(onnx|reference|passes)`),
    forbid("graph-passes-know-no-gradients", `${graph}passes/`, `${graph}autodiff`),
    forbid("graph-onnx", `${graph}onnx/`, `${graph}reference`),
    forbid("graph-reference", `${graph}reference/`, `${graph}onnx`),
    forbid(
      "datasets-formats-below-reading",
      `${datasets}formats/`,
      `${datasets}(records|detect|read-dataset|pairs|row-source)`,
    ),
    forbid(
      "datasets-records-below-formats",
      `${datasets}records/`,
      `${datasets}(formats|detect|read-dataset|pairs|row-source)`,
    ),
    forbid("testing-is-for-tests", published, "^packages/testing/"),
    forgottenRule(),
  ],
  options: {
    exclude: { path: "\\.test\\.ts$" },
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.scripts.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
