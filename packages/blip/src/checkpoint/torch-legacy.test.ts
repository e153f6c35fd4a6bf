import { describe, expect, it } from "vitest";
import {
  stateDict,
  torchLegacyOf,
  type LegacyOptions,
  type TestStorages,
  type TestTensor,
} from "../../test/support/checkpoint-bytes.ts";
import { failureOf } from "../../test/support/failure.ts";
import * as p from "../../test/support/pickle-bytes.ts";
import { memorySource } from "./memory-source.ts";
import { readTensorBytes } from "./stored-tensor.ts";
import { readTorchLegacy } from "./torch-legacy.ts";

const storages: TestStorages = { "94": [1, 2, 3, 4, 5, 6], "11": [7] };
const weight: TestTensor = { name: "weight", shape: [2, 3], storage: "94" };
const row: TestTensor = { name: "row", shape: [2], strides: [3], storage: "94", storageOffset: 1 };
const bias: TestTensor = { name: "bias", shape: [], storage: "11" };
const root = stateDict([weight, row, bias], storages, true);

const open = (bytes: Uint8Array) => readTorchLegacy(memorySource("m.pth", bytes));

describe("readTorchLegacy", () => {
  it("hands out ranges of the stream, shared storages included", async () => {
    const { format, tensors } = await open(torchLegacyOf(root, storages));
    expect(format).toBe("torch-legacy");
    const read = await Promise.all(
      [...tensors.values()].map(async (tensor) => [
        ...new Float32Array((await readTensorBytes(tensor)).buffer),
      ]),
    );
    expect(read).toEqual([[1, 2, 3, 4, 5, 6], [2, 5], [7]]);
  });

  it("reads a pickle that is longer than the first window", async () => {
    const wrapped = p.dict([p.text("notes"), p.text("x".repeat(600_000))], [p.text("model"), root]);
    expect((await open(torchLegacyOf(wrapped, storages))).tensors.size).toBe(3);
  });

  it.each<[string, p.Bytes, TestStorages, LegacyOptions, string, string]>([
    [
      "another magic number",
      root,
      storages,
      { magic: 5n },
      "checkpoint/malformed",
      "does not begin with the number",
    ],
    ["a big-endian stream", root, storages, { littleEndian: false }, "checkpoint/unsupported", "big-endian"],
    ["a missing storage", root, storages, { keys: ["94"] }, "checkpoint/missing-member", "storage 11"],
    [
      "a storage that nothing uses",
      root,
      storages,
      { keys: ["94", "11", "5"] },
      "checkpoint/malformed",
      "no tensor uses",
    ],
    ["a storage listed twice", root, storages, { keys: ["94", "94"] }, "checkpoint/duplicate", "94"],
    [
      "another number of elements",
      root,
      { "94": [1, 2, 3, 4, 5], "11": [7, 8] },
      { keys: ["94", "11"] },
      "checkpoint/malformed",
      "the pickle says 6",
    ],
    [
      "bytes behind the last storage",
      root,
      { ...storages, "11": [7, 8] },
      {},
      "checkpoint/malformed",
      "belong to no storage",
    ],
    [
      "a pickle that runs a command",
      p.reduce(p.global("os", "system"), p.text("x")),
      {},
      {},
      "checkpoint/pickle-global",
      "os.system",
    ],
  ])("refuses %s", async (_, pickled, stored, options, code, says) => {
    const failure = await failureOf(() => open(torchLegacyOf(pickled, stored, options)));
    expect(failure.message).toContain(says);
    expect(failure.code).toBe(code);
  });

  it("names a file cut anywhere as truncated", async () => {
    const whole = torchLegacyOf(root, storages);
    for (let length = 0; length < whole.length; length++)
      expect(await failureOf(() => open(whole.subarray(0, length)))).toMatchObject({
        code: "checkpoint/truncated",
      });
  });
});
