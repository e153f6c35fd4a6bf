import { expect, test } from "vitest";
import { givenBytes } from "./given-bytes.ts";

const detached = (): Uint8Array => {
  const bytes = Uint8Array.of(1, 2);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
};

test("bytes are those of a view, or of a whole buffer; there may be none", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  expect(givenBytes(bytes.subarray(1))).toEqual(Uint8Array.of(2, 3));
  expect(givenBytes(bytes.buffer)).toEqual(bytes);
  expect([givenBytes(new Uint8Array(0)).length, givenBytes(new ArrayBuffer(0)).length]).toEqual([0, 0]);
});

test.each([
  ["view", detached()],
  ["buffer", detached().buffer],
])("a detached %s is refused", (_what, input) => {
  expect(() => givenBytes(input)).toThrow(
    expect.objectContaining({
      code: "image/unreachable",
      message: expect.stringContaining("Give a copy") as string,
    }),
  );
});
