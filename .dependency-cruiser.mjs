// The arrows between rooms: who may import whom. Tests wire rooms together as node.ts does, so they are left out.

const graph = "^packages/graph/src/";
const blip = "^packages/blip/src/";
const metrics = "^packages/metrics/src/";
const cli = "^packages/cli/src/";

/** `from` may import nothing that matches `to`, but for `except`. */
const forbid = (name, from, to, except) => ({
  name,
  severity: "error",
  from: { path: from },
  to: except === undefined ? { path: to } : { path: to, pathNot: except },
});

/** Folders of `blip` that import none of each other. */
const siblings = ["checkpoint", "image", "text", "decode"];
const higher = ["model", "runtime", "tasks", "platform"];

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    forbid("graph-types", `${graph}types/`, graph, `${graph}(types/|errors)`),
    forbid("graph-ops", `${graph}ops/`, `${graph}(onnx|reference|passes|autodiff|builder|check)`),
    forbid("graph-passes", `${graph}passes/`, `${graph}(onnx|reference)`),
    forbid("graph-onnx", `${graph}onnx/`, `${graph}reference`),
    forbid("graph-reference", `${graph}reference/`, `${graph}onnx`),
    forbid("graph-alone", graph, "^packages/(blip|cli)/"),
    forbid("metrics-imports-base-only", metrics, "^packages/", `^packages/(base|metrics)/src/`),
    forbid("blip-below-cli", blip, cli, "^$"),
    forbid("model-imports-graph-only", `${blip}model/`, blip, `${blip}model/`),
    forbid("runtime-below-tasks", `${blip}runtime/`, `${blip}tasks/`),
    forbid("only-doors-open-platform", `${blip}(?!platform/|node\\.ts|web\\.ts)`, `${blip}platform/`),
    forbid("node-is-not-web", `${blip}platform/node/`, `${blip}platform/web/`),
    forbid("web-is-not-node", `${blip}platform/web/`, `${blip}platform/node/`),
    forbid("cli-uses-the-door", cli, blip, `${blip}node\\.ts$`),
    ...siblings.map((one) =>
      forbid(
        `${one}-alone`,
        `${blip}${one}/`,
        `${blip}(${[...siblings, ...higher].filter((other) => other !== one).join("|")})/`,
      ),
    ),
  ],
  options: {
    exclude: { path: "\\.test\\.ts$" },
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.scripts.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
