// Tests the rule: it reports a planted default, and no intended one.
import { RuleTester } from "eslint";
import tseslint from "typescript-eslint";
import { describe, it } from "vitest";
import { noIndexDefault } from "./no-index-default.mjs";

RuleTester.describe = describe;
RuleTester.it = it;

const tester = new RuleTester({
  languageOptions: {
    parser: tseslint.parser,
    parserOptions: {
      projectService: { allowDefaultProject: ["*.ts"], defaultProject: "tsconfig.base.json" },
      tsconfigRootDir: new URL("../..", import.meta.url).pathname,
    },
  },
});

const given = `
  declare const list: readonly number[];
  declare const bytes: Uint8Array;
  declare const rows: readonly { readonly score: number }[];
  declare const counts: Record<string, number>;
  declare const index: number;
  declare function missed(what: string): never;
`;
const hidden = (line: string, must: string, inLoop = false) => ({
  code: given + line,
  filename: "planted.ts",
  errors: [
    {
      messageId: "hidden",
      suggestions: [
        { messageId: "must", output: given + must },
        ...(inLoop
          ? [{ messageId: "missed", output: given + line.replace(/\?\? .*;/, '?? missed("element");') }]
          : []),
      ],
    },
  ],
});

tester.run("no-index-default", noIndexDefault, {
  invalid: [
    hidden("export const a = list[index] ?? 0;", "export const a = must(list, index);", true),
    hidden("export const a = bytes[index + 1] ?? NaN;", "export const a = must(bytes, index + 1);", true),
    hidden("export const a = rows[index]?.score ?? 0;", "export const a = must(rows, index).score;"),
    hidden("export const a = list.at(-1) ?? 0;", "export const a = last(list);"),
    {
      code: `${given}export const [a = 0] = list;`,
      filename: "planted.ts",
      errors: [{ messageId: "pattern" }],
    },
  ],
  valid: [
    // A loop that throws, a map that counts, a scalar's last dimension, a second choice, a match's group.
    "export const a = list[index] ?? missed('number');",
    "export const a = counts['a'] ?? 0;",
    "export const a = list.at(-1) ?? 1;",
    "export const a: number | undefined = list[0] ?? list[1];",
    "export const a = /(a)?/.exec('b')?.[1] ?? '';",
  ].map((line) => ({ code: given + line, filename: "planted.ts" })),
});
