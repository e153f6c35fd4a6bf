import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { distinctWeights, weightShapes, writeStem } from "./stem.ts";

const first = { imageSize: 128, patch: 16, width: 160, imageLayers: 5, textLayers: 3, projection: 128 };

test("the sizes of the first embedded model give its shapes and its number of weights", () => {
  const shapes = weightShapes(first, 297);
  expect(shapes.get("vision_model.encoder.layers.4.mlp.fc1.weight")).toEqual([640, 160]);
  expect(shapes.has("vision_model.encoder.layers.5.mlp.fc1.weight")).toBe(false);
  const all = [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(all).toBe(4_340_235);
  expect(distinctWeights(shapes)).toBeLessThan(all);
});

test("other sizes are written whole, with the world's vocabulary", () => {
  const out = mkdtempSync(join(tmpdir(), "stem-"));
  writeStem({ ...first, imageSize: 96, patch: 8, width: 192, imageLayers: 6 }, out);
  const bytes = readFileSync(join(out, "model.safetensors"));
  const size = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + size).toString()) as Record<
    string,
    { shape?: readonly number[]; data_offsets?: readonly number[] }
  >;
  expect(header["vision_model.embeddings.position_embedding"]?.shape).toEqual([1, 145, 192]);
  expect(header["vision_model.embeddings.patch_embedding.weight"]?.shape).toEqual([192, 3, 8, 8]);
  const ends = Object.values(header).flatMap(({ data_offsets }) => data_offsets?.[1] ?? []);
  expect(Math.max(...ends)).toBe(bytes.length - 8 - size);
  const words = readFileSync(join(out, "vocab.txt"), "utf8").trimEnd().split("\n").length;
  expect(header["text_encoder.embeddings.word_embeddings.weight"]?.shape).toEqual([words, 192]);
  expect(JSON.parse(readFileSync(join(out, "config.json"), "utf8"))).toMatchObject({
    text_config: { vocab_size: words, hidden_size: 192, num_attention_heads: 6 },
    vision_config: { image_size: 96, patch_size: 8, num_hidden_layers: 6 },
  });
  rmSync(out, { recursive: true });
});

test("sizes that do not fit are rejected", () => {
  expect(() => writeStem({ ...first, imageSize: 100 }, "nowhere")).toThrow(
    "--size: expected a multiple of 16",
  );
  expect(() => writeStem({ ...first, width: 200 }, "nowhere")).toThrow("--width: expected a multiple of 32");
});
