// Typed lint. The arrows between rooms are in .dependency-cruiser.mjs.
import tseslint from "typescript-eslint";

const isomorphic = [
  "packages/graph/src/**/*.ts",
  "packages/metrics/src/**/*.ts",
  "packages/blip/src/**/*.ts",
];
const platformCode = [
  "packages/blip/src/platform/**",
  "packages/blip/src/node.ts",
  "packages/blip/src/web.ts",
];

export default tseslint.config(
  {
    ignores: [
      "**/dist/",
      "**/node_modules/",
      ".tsbuild/",
      "oracle/",
      "fixtures/",
      "coverage/",
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
);
