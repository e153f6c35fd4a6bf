// Typed lint, and the arrows between rooms: each zone says which folders a folder may not import.
import importX from "eslint-plugin-import-x";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import tseslint from "typescript-eslint";

const graph = "./packages/graph/src";
const blip = "./packages/blip/src";

/** `target` may import nothing below `from`, but for `except` (paths relative to `from`). */
const zone = (target, from, message, except = []) => ({ target, from, message, except });

/** Folders of `blip` that import none of each other. */
const siblings = ["checkpoint", "image", "text"];

const zones = [
  zone(`${graph}/types`, graph, "types import nothing of the graph", ["./types", "./errors.ts"]),
  zone(graph, "./packages/blip", "graph knows nothing of BLIP"),
  zone(graph, "./packages/cli", "graph knows nothing of the command"),
  zone(`${graph}/ops`, `${graph}/onnx`, "ops do not know the targets"),
  zone(`${graph}/ops`, `${graph}/reference`, "ops do not know the targets"),
  zone(`${graph}/ops`, `${graph}/passes`, "ops do not know the passes"),
  zone(`${graph}/ops`, `${graph}/autodiff`, "ops do not know the gradients"),
  zone(`${graph}/passes`, `${graph}/onnx`, "passes do not know the targets"),
  zone(`${graph}/passes`, `${graph}/reference`, "passes do not know the targets"),
  zone(`${graph}/onnx`, `${graph}/reference`, "the targets do not know each other"),
  zone(`${graph}/reference`, `${graph}/onnx`, "the targets do not know each other"),
  zone("./packages/blip", "./packages/cli", "the library does not know the command"),
  zone(`${blip}/model`, blip, "model/ imports graph only", ["./model", "./errors.ts"]),
  zone(`${blip}/runtime`, `${blip}/tasks`, "runtime is below tasks"),
  ...siblings.flatMap((target) =>
    [...siblings, "model", "runtime", "tasks", "platform"]
      .filter((other) => other !== target)
      .map((other) => zone(`${blip}/${target}`, `${blip}/${other}`, `${target}/ does not import ${other}/`)),
  ),
  ...["checkpoint", "image", "text", "model", "runtime", "tasks", "index.ts"].map((target) =>
    zone(`${blip}/${target}`, `${blip}/platform`, "only node.ts and web.ts are doors to platform/", [
      "./platform.ts",
    ]),
  ),
  zone(`${blip}/platform/node`, `${blip}/platform/web`, "the platforms do not know each other"),
  zone(`${blip}/platform/web`, `${blip}/platform/node`, "the platforms do not know each other"),
];

const isomorphic = ["packages/graph/src/**/*.ts", "packages/blip/src/**/*.ts"];
const platformCode = [
  "packages/blip/src/platform/**",
  "packages/blip/src/node.ts",
  "packages/blip/src/web.ts",
];

export default tseslint.config(
  { ignores: ["**/dist/", "**/node_modules/", ".tsbuild/", "oracle/", "fixtures/", "coverage/"] },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver({ project: "tsconfig.json" })] },
    rules: {
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
  {
    files: isomorphic,
    ignores: [...platformCode, "**/*.test.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            { group: ["node:*"], message: "isomorphic code: platform code lives in src/platform" },
            { group: ["sharp", "onnxruntime-*", "@huggingface/hub"], message: "injected by the platform" },
          ],
        },
      ],
    },
  },
  {
    // Tests wire rooms together as node.ts does.
    files: ["**/*.test.ts"],
    rules: { "import-x/no-restricted-paths": "off" },
  },
);
