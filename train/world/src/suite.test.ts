// The embedded suite is put together from three models by `blip convert --suite`, and its size is bounded.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "@blip-ts/base";
import { afterAll, expect, test } from "vitest";
import { writeStem } from "./stem.ts";
import { makeEmbedded, sizeOf } from "./suite.ts";

const root = mkdtempSync(join(tmpdir(), "suite-test-"));
afterAll(() => rmSync(root, { recursive: true }));
const sizes = { imageSize: 32, patch: 16, width: 32, imageLayers: 1, textLayers: 1, projection: 8 };

test("replaces a folder's files but its card, and refuses a suite that is too big", async () => {
  const model = join(root, "model");
  writeStem(sizes, model);
  const out = join(root, "out");
  mkdirSync(out);
  for (const file of ["README.md", "model.safetensors"]) writeFileSync(join(out, file), "old");
  const calls: (readonly string[])[] = [];
  // A stand-in for `blip convert --suite`: the base's weights as the only part.
  const blip = ({ args }: { readonly args: readonly string[] }) => {
    calls.push(args);
    const folder = join(must(args, 2), "match");
    mkdirSync(folder, { recursive: true });
    const base = must(args, 3).slice("match=".length);
    writeFileSync(join(folder, "model.safetensors"), readFileSync(join(base, "model.safetensors")));
    return Promise.resolve();
  };
  const models = { base: model, ask: model, compare: model };
  const { weights } = await sizeOf(model);
  const bound = { weights: weights - 1, bytes: 1e9 };
  await expect(makeEmbedded(models, out, blip, bound)).rejects.toThrow(
    `expected at most ${weights - 1} weights`,
  );
  expect(existsSync(join(out, "match"))).toBe(false);
  const size = await makeEmbedded(models, out, blip);
  expect(size.weights).toBe(weights);
  expect(
    must(calls, 1)
      .slice(3)
      .map((part) => part.split("=")[0]),
  ).toEqual(["match", "caption", "ask", "compare"]);
  expect(readFileSync(join(out, "README.md"), "utf8")).toBe("old");
  expect(existsSync(join(out, "model.safetensors"))).toBe(false);
  expect(existsSync(join(out, "match/model.safetensors"))).toBe(true);
});
