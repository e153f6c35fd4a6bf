// The members of a sample in shards.
import { expect, test } from "vitest";
import { membersOf } from "./shards.ts";

test("no two members of a sample have the same suffix", () => {
  const bytes = new Uint8Array([1]);
  const fields = {
    mask: { bytes, path: "a_mask.jpg" },
    "my mask": { bytes, path: "b.JPG" },
    seg: { bytes, path: "a.seg.png" },
    ".cls": bytes,
    note: "no member",
  };
  expect(membersOf(fields, "jpg").map(({ suffix }) => suffix)).toEqual([
    ...["mask.jpg", "my_mask.JPG", "seg.png", "cls"],
  ]);
});
