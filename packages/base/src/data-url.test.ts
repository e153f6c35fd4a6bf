import { describe, expect, test } from "vitest";
import { dataUrlBytes, isDataUrl, maxDataUrlBytes, maxDataUrlLength, shownDataUrl } from "./data-url.ts";

const encoded = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

describe("a data: URL", () => {
  test("has the bytes that fetch reads from it", async () => {
    const all = Uint8Array.from({ length: 256 * 200 }, (_, index) => index % 256);
    const escaped = [...all.subarray(0, 512)]
      .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
      .join("");
    const urls = [
      `data:image/png;base64,${encoded(all)}`,
      `DATA:;BASE64,${encoded(all.subarray(0, 5))}`,
      `data:image/png;charset=x; base64 ,${encoded(all.subarray(0, 4)).replace(/=+$/, "")}`,
      `data:;base64,${encoded(all.subarray(0, 99)).replaceAll("+", "%2B").replaceAll("/", "%2f")}#top`,
      ` data:;base64,${encoded(all.subarray(0, 99)).replace(/(.{7})/g, "$1\n")} `,
      `data:,${escaped}`,
      "data:,a%zzb%2",
      "data:text/plain,naïve 😀",
    ];
    for (const url of urls) {
      expect(isDataUrl(url)).toBe(true);
      const expected = new Uint8Array(await (await fetch(url)).arrayBuffer());
      expect(dataUrlBytes(url).bytes, url.slice(0, 60)).toEqual(expected);
    }
  });

  test.each<[string, string]>([
    ["data:image/png;base64", "no comma in its first 1000 characters"],
    [`data:${"x".repeat(1000)},`, "no comma"],
    ["data:,", "one without content"],
    ["data:;base64,", "one without content"],
    ["data:;base64,A", "not base64"],
    ["data:;base64,AB=CD", "not base64"],
    ["data:;base64,ÄÖ==", "not base64"],
    [`data:;base64,${"A".repeat(4 * 2 ** 14)}*`, "not base64"],
    [`data:,${"x".repeat(maxDataUrlBytes + 1)}`, `one of ${maxDataUrlBytes + 1} bytes`],
    [`data:,${"x".repeat(maxDataUrlLength)}`, `one of ${maxDataUrlLength + 6} characters`],
  ])("is refused: %.60s", (url, problem) => {
    expect(dataUrlBytes(url).problem).toContain(problem);
  });

  test("is shown by its beginning", () => {
    expect(shownDataUrl(`data:image/png;base64,${"A".repeat(1e6)}`)).toBe(
      "data:image/png;base64,AAAAAAAAAA... (1000022 characters)",
    );
    for (const name of ["data:,x", "a/data:x.png", "c".repeat(99)]) expect(shownDataUrl(name)).toBe(name);
  });
});
