import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const parse = (text: string) => parseStrictJson(text, { depth: 4, items: 20 });

describe("parseStrictJson", () => {
  it.each([
    `{"a":{"b":[1,"x"]},"c":"a","d":[{"a":1},{"a":2}]}`,
    `[",",":","{","\\"a\\"","\\\\"]`,
    `{"a\\\\":1,"a":2}`,
    "7",
  ])("parses %s", (text) => {
    expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
  });

  it.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['[{"x":{"y":[0],"y":1}}]', "y"],
    ['{"\\"":1,"b":[],"\\"":2}', '"'],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ])("finds the repeated key of %s", (text, duplicate) => {
    expect(parse(text)).toMatchObject({ ok: false, duplicate });
  });

  it.each([
    ["[[[[[", "deeper than 4"],
    ["[".repeat(1_000_000), "deeper than 4"],
    [`[${"0,".repeat(30)}0]`, "more than 20 values"],
    [`{"a":"${"\\".repeat(99_999)}"`, "not valid JSON"],
    ['{"a', "not valid JSON"],
    ["", "not valid JSON"],
    ["]]]}}}", "not valid JSON"],
  ])("refuses %j", (text, reason) => {
    const result = parse(text);
    expect(result.ok ? "" : result.reason).toContain(reason);
  });

  it("walks a string of 30 million characters", () => {
    const name = `${"x".repeat(30_000_000)}\\n`;
    expect(parse(`{"${name}":"${name}"}`).ok).toBe(true);
  });
});
