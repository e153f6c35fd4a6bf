import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openCheckpoint, safetensorsSource } from "@blip-ts/checkpoint";
import { describe, expect, test } from "vitest";
import { fixture } from "../../test/support/goldens.ts";
import { fileSource } from "../platform/node/local-files.ts";
import { openedFrom, openWeights } from "../load/open-model.ts";
import type { ModelFiles } from "../files.ts";
import { wrapperPrefix } from "./wrapper-prefix.ts";

describe("what all names begin with", () => {
  test.each<[string, readonly string[]]>([
    ["module.", ["module.visual_encoder.x", "module.temp"]],
    ["module._orig_mod.", ["module._orig_mod.visual_encoder.x", "module._orig_mod.temp"]],
    ["model.", ["model.vision_model.x", "model.text_model.y"]],
    ["", ["module.visual_encoder.x", "temp"]],
    ["", ["base_model.model.vision_model.x"]],
    ["", []],
  ])("is %j", (prefix, names) => {
    expect(wrapperPrefix(names)).toBe(prefix);
  });
});

test("a wrapped model is the model, with the prefix said", async () => {
  const folder = fixture("tiny/match-original");
  const plain = await openCheckpoint(await fileSource(join(folder, "model_tiny_retrieval.pth")));
  const wrapped = new Map([...plain.tensors].map(([name, tensor]) => [`module.${name}`, tensor]));
  const files: ModelFiles = {
    ...{ name: "ddp", kind: "folder" },
    weights: { kind: "single", source: safetensorsSource("ddp.safetensors", wrapped) },
    read: (file) => readFile(join(folder, file), "utf8").catch(() => undefined),
  };
  const opened = openedFrom(files, await openWeights(files));
  expect(opened.prefix).toBe("module.");
  const own = openedFrom(files, plain);
  expect([...opened.tensors.keys()].sort()).toEqual([...own.tensors.keys()].sort());
  expect(opened.tasks.tasks).toEqual(own.tasks.tasks);
});
