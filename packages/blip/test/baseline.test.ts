// The scan for what is newer than the baseline that README states. What is shipped is scanned in baseline-shipped.slow.test.ts.
import { describe, expect, test } from "vitest";
import { browsers, missingIn, oldestNode, type Engines } from "./support/baseline.ts";

describe("the scan", () => {
  const features = (code: string, engines: Engines = browsers) =>
    missingIn(code, "a.js", engines).map(({ feature }) => feature);

  test.each([
    ["AbortSignal.any([a])", "AbortSignal.any"],
    ["Array.fromAsync(a)", "Array.fromAsync"],
    ["Promise.withResolvers()", "Promise.withResolvers"],
    ["new Set(a).union(b)", ".union"],
    ["a.values().map(f).toArray()", ".toArray"],
    ["new ImageDecoder(a)", "ImageDecoder"],
    ["(await fetch(a)).bytes()", ".bytes"],
    ["class A { [Symbol.asyncDispose]() {} }", "Symbol.asyncDispose"],
    ["navigator.gpu.requestAdapter()", "navigator.gpu"],
  ])("sees what is too new in %s", (code, feature) => {
    expect(features(code)).toEqual([feature]);
  });

  test("says nothing of what all have, nor of a name that the script declares", () => {
    expect(
      features("AbortSignal.timeout(1); structuredClone(a); new OffscreenCanvas(1, 1); a.at(-1)"),
    ).toEqual([]);
    expect(features("const scheduler = 1; export { scheduler }")).toEqual([]);
    expect(features("AbortSignal.any([a])", oldestNode)).toEqual([]);
  });

  test.each([
    "await using a = b;",
    "/[\\p{L}--[a-z]]/v.test(a)",
    "import a from './a.json' with { type: 'json' }",
  ])("refuses syntax that is younger than ES2022: %s", (code) => {
    expect(() => features(code)).toThrow(/^a\.js:1: Parsing error/);
  });
});
