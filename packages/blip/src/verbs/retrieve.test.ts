// Retrieval with images that become unreadable: the failure is a row, in either pass.
import { rmSync } from "node:fs";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Retriever } from "./retrieve.ts";

const place = (relative: string) => fileURLToPath(new URL(`../../../../${relative}`, import.meta.url));

test("a picture that is gone before ITM looks at it has a row with its error, and the others their hits", async () => {
  const folder = await mkdtemp(join(tmpdir(), "blip-gone-"));
  try {
    const [gone, stays] = [join(folder, "1.png"), join(folder, "2.png")];
    await copyFile(place("examples/scenes/01.png"), gone);
    await copyFile(place("examples/scenes/02.png"), stays);
    await using retriever = await Retriever.load(nodePlatform, place("fixtures/tiny/match"));
    const rows = [];
    const remove = ({ done, total }: { done: number; total: number }) => {
      if (done === total) rmSync(gone);
    };
    // Nothing is kept, so each image is read twice.
    const found = retriever.byText([gone, stays], ["a dog"], { cacheBytes: 0, onProgress: remove });
    for await (const row of found) rows.push(row);
    expect(rows).toEqual([
      {
        image: gone,
        error: { code: "image/not-found", message: expect.stringMatching(/no such file/) as string },
      },
      {
        text: "a dog",
        hits: [expect.objectContaining({ image: stays, rankScore: expect.any(Number) as number })],
      },
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
