// Images in data: URLs: the pixels of their file, and refusals in few words.
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { InputError } from "@blip-ts/base";
import { fixture } from "../../../test/support/goldens.ts";
import { decodeImage } from "./decode-image.ts";

describe("data: URLs", () => {
  const urlOf = (bytes: Uint8Array) => `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
  const options = { alpha: "white", orientation: "stored", grey16: "clip" } as const;

  test("have the pixels of their file, as texts and as URLs, here and in a process of its own", async () => {
    const file = await readFile(fixture("images/alpha.webp"));
    const expected = await decodeImage(file, options);
    const url = urlOf(file);
    for (const input of [url, new URL(url)]) expect(await decodeImage(input, options)).toEqual(expected);
    expect(await decodeImage(url, { ...options, isolate: true })).toEqual(expected);
  });

  test.each<[string, string, string]>([
    ["data:image/png", "image/bad-data-url", "got no comma"],
    ["data:image/png;base64,????", "image/bad-data-url", "not base64"],
    [`data:,${"x".repeat(30_000_000)}`, "image/bad-data-url", "one of 30000000 bytes"],
    [`data:text/plain,${"word ".repeat(9_000)}`, "image/not-an-image", "got text"],
    [urlOf(new Uint8Array(70_000)), "image/not-an-image", "the data: URL"],
    ["data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", "image/unsupported", "the data: URL"],
  ])("that are no image are refused in few words: %.40s", async (url, code, says) => {
    const failure = await decodeImage(url, options).catch((error: unknown) => error as InputError);
    expect(failure).toMatchObject({ code, message: expect.stringContaining(says) as string });
    expect((failure as Error).message.length).toBeLessThan(300);
  });
});
