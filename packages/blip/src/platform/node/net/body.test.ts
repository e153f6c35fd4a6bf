// Joining the pieces of a body.
import { expect, test } from "vitest";
import { wholeBody } from "./body.ts";
import { usualLimits } from "./limits.ts";

/** A body whose pieces share one buffer, like those of a connection. */
const bodyOf = (lengths: readonly number[]) => {
  const place = new Uint8Array(100_000);
  let [number, at] = [0, 0];
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const length = lengths[number++];
        if (length === undefined) {
          controller.close();
          return;
        }
        const isOfItsOwn = length >= 65_536;
        const piece = isOfItsOwn ? new Uint8Array(length) : place.subarray(0, length);
        for (let index = 0; index < length; index++) piece[index] = at++ % 251;
        controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
};

test("small pieces are copied as they come, however many: none is held", async () => {
  const lengths = [...Array.from({ length: 70_000 }, () => 1), 70_000, 3, 65_535, 2, 65_536];
  const size = lengths.reduce((sum, length) => sum + length, 0);
  const bytes = await wholeBody({ body: bodyOf(lengths) }, size, { limits: usualLimits });
  expect(bytes?.equals(Uint8Array.from({ length: size }, (_, index) => index % 251))).toBe(true);
  expect(await wholeBody({ body: bodyOf([5, 6]) }, 10, { limits: usualLimits })).toBeUndefined();
});
