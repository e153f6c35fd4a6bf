import { describe, expect, it } from "vitest";
import { failureOf, safetensorsOf, torchLegacyOf, torchZipOf } from "@blip-ts/testing";
import * as p from "@blip-ts/testing/pickle-bytes";
import { memorySource } from "./memory-source.ts";
import { openCheckpoint } from "./open-checkpoint.ts";

const open = (bytes: Uint8Array) => openCheckpoint(memorySource("some file", bytes));
const text = (value: string) => new TextEncoder().encode(value);

describe("openCheckpoint", () => {
  it("detects the formats by their bytes, whatever the name", async () => {
    expect((await open(safetensorsOf({}))).format).toBe("safetensors");
    expect((await open(torchZipOf(p.dict()))).format).toBe("torch-zip");
    expect((await open(torchLegacyOf(p.dict()))).format).toBe("torch-legacy");
  });

  const tar = new Uint8Array(1024);
  tar.set(text("sys_info"), 0);
  tar.set(text("ustar"), 257);

  it.each([
    ["an empty file", new Uint8Array(0), "an empty file"],
    [
      "a Git LFS pointer",
      text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      "a Git LFS pointer",
    ],
    ["a web page", text("\n<!DOCTYPE html><html>"), "an HTML page"],
    ["an error of a storage service", text('<?xml version="1.0"?><Error/>'), "an XML text"],
    ["a configuration", text('{"model_type": "blip"}'), "a JSON text"],
    ["an index", text(`{"metadata": {}, "weight_map": {${'"a": "b",'.repeat(99)}}}`), "a JSON text"],
    ["a text", text("Entry not found"), "a text"],
    ["a text of many languages", text("é".repeat(400)), "a text"],
    ["a gzip file", Uint8Array.of(0x1f, 0x8b, 8, 0), "a gzip file"],
    ["an HDF5 file", Uint8Array.of(0x89, 0x48, 0x44, 0x46), "an HDF5 file"],
    ["a GGUF file", text("GGUF\u0003"), "a GGUF file"],
    ["other bytes", Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), "10 bytes of another kind"],
  ])("says that %s is none", async (_, bytes, found) => {
    const failure = await failureOf(() => open(bytes));
    expect(failure.code).toBe("checkpoint/unknown-format");
    expect(failure.message).toContain(`got ${found}.`);
    expect(failure.message).toContain("some file");
  });

  it("rejects the tar archives of early PyTorch by name", async () => {
    expect(await failureOf(() => open(tar))).toMatchObject({ code: "checkpoint/unsupported" });
  });

  it("rejects a plain pickle that runs a command, and names the command", async () => {
    const failure = await failureOf(() => open(p.pickle(p.reduce(p.global("posix", "system"), p.text("x")))));
    expect(failure.message).toContain("posix.system");
  });
});
