// The types of rows: `if (row.error)` distinguishes failed rows from the others.
import { expect, expectTypeOf, test } from "vitest";
import type { RequestRow } from "../serve/batched.ts";
import type { AnswerRow } from "./ask.ts";
import type { CaptionRow } from "./caption-types.ts";
import type { CompareRow } from "./compare.ts";
import type { ImageEmbedding, TextEmbedding } from "./embed.ts";
import type { FailedRow, FailedText, RowError } from "./image-batches.ts";
import type { MatchRow, MatchScores } from "./match.ts";
import type { ImageRow, TextRow } from "./retrieve.ts";
import type { AnsweredRow } from "./rows.ts";

type Failed = FailedRow<string> | FailedText;
type Rows =
  | MatchRow<string>
  | CaptionRow<string>
  | AnswerRow<string>
  | CompareRow<string>
  | ImageEmbedding<string>
  | TextEmbedding
  | ImageRow<string>
  | TextRow<string>;

/** The same fields for each kind of row. */
function probabilityOrCode(row: MatchRow<string> | FailedRow<string>): number | string {
  if (row.error) {
    expectTypeOf(row).toEqualTypeOf<FailedRow<string>>();
    return row.error.code;
  }
  expectTypeOf(row).toEqualTypeOf<MatchRow<string>>();
  return row.probability;
}

function kindOf(row: Rows | Failed): "failed" | "answered" {
  if (row.error) {
    expectTypeOf(row).toEqualTypeOf<Failed>();
    expectTypeOf(row.error).toEqualTypeOf<RowError>();
    return "failed";
  }
  expectTypeOf(row).toEqualTypeOf<Rows>();
  return "answered";
}

function idOf(row: AnsweredRow<{ readonly id: number; readonly text: string }, MatchScores>): number {
  if (row.error) return row.id;
  expectTypeOf(row.cosine).toEqualTypeOf<number>();
  return row.id;
}

test("if (row.error) narrows", () => {
  const scores = { logits: [0, 1] as const, probability: 0.73, cosine: 0.1, rankScore: 1.1 };
  const failed = { image: "a.png", error: { code: "image/not-found", message: "no such file" } } as const;
  expect(probabilityOrCode({ image: "a.png", text: "x", ...scores })).toBe(0.73);
  expect(probabilityOrCode(failed)).toBe("image/not-found");
  expect(kindOf(failed)).toBe("failed");
  expect(kindOf({ text: "x", embedding: [1] })).toBe("answered");
  expect(idOf({ id: 3, text: "x", ...scores })).toBe(3);
});

test("rows of requests have paths and URLs, and no bytes", () => {
  type OfPath = RequestRow<string, MatchRow<string>>;
  type OfUrl = RequestRow<URL, MatchRow<URL>>;
  type OfBytes = RequestRow<Uint8Array, MatchRow<Uint8Array>>;
  expectTypeOf<OfPath["image"]>().toEqualTypeOf<string>();
  expectTypeOf<OfUrl["image"]>().toEqualTypeOf<URL>();
  expectTypeOf<OfBytes["image"]>().toEqualTypeOf<undefined>();
  expectTypeOf<OfBytes["probability"]>().toEqualTypeOf<number>();
});
