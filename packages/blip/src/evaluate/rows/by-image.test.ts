// Rows of the same image are merged: equal ids, or without ids the same path, URL or bytes.
import type { ExampleOf, ImageSource } from "@blip-ts/datasets";
import { arrayOf } from "@blip-ts/testing";
import { expect, test } from "vitest";
import { nodeEvaluationHost } from "../../platform/node/evaluate/host.ts";
import type { Survey } from "../survey.ts";
import { RowsByImage } from "./by-image.ts";

type Caption = ExampleOf<"caption">;
type Given = Pick<Caption, "image" | "imageId"> & { readonly captions?: readonly string[] };

async function merged(rows: readonly Given[]) {
  const examples = rows.map((row, at): Caption => ({
    ...{ captions: [`caption ${at}`], submissionId: at, place: { file: "rows.json", unit: "index", at } },
    ...row,
  }));
  const numbered = examples.map((example, n) => ({ n, example }));
  const byImage = new RowsByImage(nodeEvaluationHost);
  for (const row of numbered) byImage.see(row);
  async function* again() {
    await Promise.resolve();
    yield* numbered;
  }
  const surveyed = { rows: rows.length, sha256: "", failed: [], again } as Partial<Survey<"caption">>;
  const result = byImage.merged(surveyed as Survey<"caption">);
  const found = await arrayOf(result.again());
  expect(result.rows).toBe(found.length);
  return found.map(({ n, example }) => [n, example.captions]);
}

const path = (name: string, root = "/images"): ImageSource => ({ kind: "path", root, path: name });
const bytes = (value: number): ImageSource => ({ kind: "bytes", name: "x", bytes: new Uint8Array([value]) });

test("a row per caption becomes a row per image, wherever its rows are", async () => {
  const rows = ["a_1.png", "b_2.png", "a_1.png", "c_3.png", "a_1.png"].map((name) => ({ image: path(name) }));
  expect(await merged(rows)).toEqual([
    [0, ["caption 0", "caption 2", "caption 4"]],
    [1, ["caption 1"]],
    [3, ["caption 3"]],
  ]);
  // An image whose first row has no caption keeps those of the others.
  expect(await merged([{ image: path("a.png"), captions: [] }, { image: path("a.png") }])).toEqual([
    [0, ["caption 1"]],
  ]);
});

test.each<[string, readonly Given[], number]>([
  ["equal ids", [0, 1].map((n) => ({ image: path(`${n}.png`), imageId: 7 })), 1],
  ["other ids", [7, 8].map((imageId) => ({ image: path("a.png"), imageId })), 2],
  ["a number and a text", [7, "7"].map((imageId) => ({ image: path("a.png"), imageId })), 2],
  ["equal numbers in names", [{ image: path("a/x_1.png") }, { image: path("b/x_1.png") }], 2],
  ["other folders", [{ image: path("a.png", "/a") }, { image: path("a.png", "/b") }], 2],
  ["bytes", [{ image: bytes(1) }, { image: bytes(2) }, { image: bytes(1) }], 2],
  [
    "URLs",
    [
      "https://x.org/a.png",
      "https://x.org/b.png",
      "data:image/png;base64,AA==",
      "data:image/png;base64,AA==",
    ].map((url) => ({ image: { kind: "url", url } as const })),
    3,
  ],
])("%s", async (_, rows, images) => {
  expect(await merged(rows)).toHaveLength(images);
});
