import { describe, expect, test } from "vitest";
import * as schema from "./schema.ts";

const { checked, mismatchText, fields, maybe, whole, real, flag, text, listOf, either, three, recordOf } =
  schema;

const settings = fields({
  size: whole(1, 64),
  share: maybe(real(0, 1)),
  on: maybe(flag()),
  name: maybe(text(3)),
  list: maybe(listOf(fields({ id: whole(0, 9) }), 2)),
  kind: maybe(schema.oneOf("a", "b")),
  mean: maybe(either([real(0, 9), three(real(0, 9), "three")], "a number, or three")),
});

const said = (value: unknown): string => {
  const { mismatch } = checked(settings, value);
  return mismatch ? mismatchText(mismatch) : "nothing wrong";
};

describe("a schema", () => {
  test("returns the known fields, typed", () => {
    const all = { size: 8, on: true, list: [{ id: 1, more: 2 }], mean: [1, 2, 3], other: {}, share: null };
    expect(checked(settings, all)).toEqual({
      value: { size: 8, on: true, list: [{ id: 1 }], mean: [1, 2, 3], share: null },
    });
  });

  test.each<[unknown, string]>([
    [[], "expected an object of settings, got []"],
    [null, "expected an object of settings, got null"],
    [{}, "size: expected a whole number from 1 to 64, got nothing"],
    [{ size: 65 }, "size: expected a whole number from 1 to 64, got 65"],
    [{ size: "8" }, 'size: expected a whole number from 1 to 64, got "8"'],
    [{ size: 8.5 }, "size: expected a whole number from 1 to 64, got 8.5"],
    [
      { size: { toString: 1, valueOf: 1 } },
      'size: expected a whole number from 1 to 64, got {"toString":1,"valueOf":1}',
    ],
    [{ size: 8, share: 2 }, "share: expected a number from 0 to 1, got 2"],
    [{ size: 8, on: 1 }, "on: expected true or false, got 1"],
    [{ size: 8, name: "long" }, "name: expected a text of at most 3 characters, got 4 of them"],
    [{ size: 8, list: [1] }, "list[0]: expected an object of settings, got 1"],
    [{ size: 8, list: [{ id: 1 }, { id: -1 }] }, "list[1].id: expected a whole number from 0 to 9, got -1"],
    [{ size: 8, list: [{}, {}, {}] }, "list: expected a list of at most 2, got 3 of them"],
    [{ size: 8, kind: "c" }, 'kind: expected "a" or "b", got "c"'],
    [{ size: 8, mean: [1, 2] }, "mean: expected a number, or three, got [1,2]"],
    [JSON.parse('{"__proto__": {"size": 8}}'), "size: expected a whole number from 1 to 64, got nothing"],
  ])("says of %j the field, what was expected and the value it got", (value, message) => {
    expect(said(value)).toBe(message);
  });

  test("shows values in short form, and nested lists as such", () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(said({ size: deep })).toMatch(/got lists within lists/);
    expect(said({ size: "x".repeat(1000) }).length).toBeLessThan(200);
    for (const [value, kind] of [
      [() => 1, "a function"],
      [Symbol("s"), "a symbol"],
      [1n, "a bigint"],
    ] as const)
      expect(said({ size: value })).toContain(`got ${kind}`);
  });

  test("of arbitrary keys also accepts names of prototypes", () => {
    const record = recordOf(whole(0, 9), 3, "ids by name");
    const { value } = checked(record, JSON.parse('{"constructor": 1, "__proto__": 2}'));
    expect([...(value ?? [])]).toEqual([["constructor", 1], ["__proto__", 2]]); // prettier-ignore
    const wrong = checked(record, { a: 1, b: "2" });
    expect(wrong.mismatch && mismatchText(wrong.mismatch)).toBe(
      'b: expected a whole number from 0 to 9, got "2"',
    );
    const many = checked(record, { a: 1, b: 2, c: 3, d: 4 });
    expect(many.mismatch?.expected).toBe("ids by name, at most 3 of them");
  });
});
