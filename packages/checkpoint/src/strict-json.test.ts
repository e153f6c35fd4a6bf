import { describe, expect, it } from "vitest";
import { parseStrictJson } from "./strict-json.ts";

const parse = (text: string) => parseStrictJson(text, { depth: 4, items: 20, uniqueKeys: true });

describe("parseStrictJson", () => {
  it.each([
    `{"a":{"b":[1,"x"]},"c":"a","d":[{"a":1},{"a":2}]}`,
    `[",",":","{","\\"a\\"","\\\\"]`,
    `{"a\\\\":1,"a":2}`,
    "7",
  ])("parses %s", async (text) => {
    expect(await parse(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown });
  });

  it.each([
    ['{"a":1,"a":2}', "a"],
    ['{"a":1,"\\u0061":2}', "a"],
    ['[{"x":{"y":[0],"y":1}}]', "y"],
    ['{"\\"":1,"b":[],"\\"":2}', '"'],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ])("finds the repeated key of %s", async (text, duplicate) => {
    expect(await parse(text)).toMatchObject({ ok: false, duplicate });
  });

  it.each([
    ["[[[[[", "deeper than 4"],
    ["[".repeat(1_000_000), "deeper than 4"],
    [`[${"0,".repeat(30)}0]`, "more than 20 values"],
    [`{"a":"${"\\".repeat(99_999)}"`, "not valid JSON"],
    ['{"a', "not valid JSON"],
    ["", "not valid JSON"],
    ["]]]}}}", "not valid JSON"],
  ])("refuses %j", async (text, reason) => {
    const result = await parse(text);
    expect(result.ok ? "" : result.reason).toContain(reason);
  });

  it("keeps the last of equal keys if they need not be unique", async () => {
    const result = await parseStrictJson('{"a":1,"a":2}', { depth: 4, items: 20 });
    expect(result).toEqual({ ok: true, value: { a: 2 } });
  });

  it("yields to the event loop between checking a long text and parsing it", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await parse(`"${"x".repeat(2 ** 21)}"`);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it("checks a string of 30 million characters", async () => {
    const name = `${"x".repeat(30_000_000)}\\n`;
    expect((await parse(`{"${name}":"${name}"}`)).ok).toBe(true);
  });
});
