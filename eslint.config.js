// Typed lint. The arrows between rooms are in .dependency-cruiser.mjs.
import tseslint from "typescript-eslint";
import { noIndexDefault } from "./scripts/lint/no-index-default.mjs";

const isomorphic = ["packages/{base,graph,checkpoint,engine,metrics,datasets,blip}/src/**/*.ts"];
const shipped = ["packages/*/src/**/*.ts"];
const platformCode = [
  "packages/blip/src/platform/**",
  "packages/blip/src/train/node/**",
  "packages/blip/src/node.ts",
  "packages/blip/src/web.ts",
  "packages/engine/src/{node,web,worker}/**",
  "packages/datasets/src/node/**",
  "packages/datasets/src/node.ts",
];

/** Programs and tests, and what only these read. */
const tests = ["**/*.test.ts", "packages/*/test/**/*.ts", "{bench,examples,scripts}/**/*.ts"];

export default tseslint.config(
  {
    ignores: [
      "**/dist/",
      "**/node_modules/",
      ".tsbuild/",
      "oracle/",
      "fixtures/",
      "coverage/",
      "**/generated/",
      "bench/peers/candle/target/",
    ],
  },
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
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
      // There are no enums here (`erasableSyntaxOnly`), and what a class has is what counts: a sixth of the lint's time.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
    },
  },
  {
    files: shipped,
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "VariableDeclaration[kind=/using$/]",
          message: "browsers of the baseline lack its symbol: `closing` of @blip-ts/base, or try and finally",
        },
        {
          selector: "MemberExpression[object.name='Symbol'][property.name=/^(dispose|asyncDispose)$/]",
          message: "browsers of the baseline lack it: `asyncDispose` of @blip-ts/base",
        },
      ],
    },
  },
  {
    files: shipped,
    ignores: ["**/*.test.ts"],
    plugins: { house: { rules: { "no-index-default": noIndexDefault } } },
    rules: { "house/no-index-default": "error" },
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
  // With types the lint of tests takes two thirds of its time: eslint.typed.config.js, in the slow tier.
  {
    ...tseslint.configs.disableTypeChecked,
    name: "tests without types",
    files: tests,
    // Those of rules that need types.
    linterOptions: { reportUnusedDisableDirectives: "off" },
  },
  {
    files: tests,
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector:
            "ExpressionStatement > CallExpression > MemberExpression.callee:has(MemberExpression[property.name=/^(rejects|resolves)$/])",
          message: "await the assertion: a test does not wait for it by itself",
        },
      ],
    },
  },
);
