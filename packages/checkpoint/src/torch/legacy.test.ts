import { describe, expect, it } from "vitest";
import {
  failureOf,
  type LegacyOptions,
  stateDict,
  type TestStorages,
  type TestTensor,
  torchLegacyOf,
} from "@blip-ts/testing";
import * as p from "@blip-ts/testing/pickle-bytes";
import { memorySource } from "../memory-source.ts";
import { readTensorBytes } from "../stored-tensor.ts";
import { LEGACY_MAGIC, readTorchLegacy } from "./legacy.ts";

const storages: TestStorages = { "94": [1, 2, 3, 4, 5, 6], "11": [7] };
const weight: TestTensor = { name: "weight", shape: [2, 3], storage: "94" };
const row: TestTensor = { name: "row", shape: [2], strides: [3], storage: "94", storageOffset: 1 };
const bias: TestTensor = { name: "bias", shape: [], storage: "11" };
const root = stateDict([weight, row, bias], storages, true);

const open = (bytes: Uint8Array) => readTorchLegacy(memorySource("m.pth", bytes));

describe("readTorchLegacy", () => {
  it("returns ranges of the stream, including shared storages", async () => {
    const { format, tensors } = await open(torchLegacyOf(root, storages));
    expect(format).toBe("torch-legacy");
    const read = await Promise.all(
      [...tensors.values()].map(async (tensor) => [
        ...new Float32Array((await readTensorBytes(tensor)).buffer),
      ]),
    );
    expect(read).toEqual([[1, 2, 3, 4, 5, 6], [2, 5], [7]]);
  });

  it("rejects a small stream that repeats one number until it is large", async () => {
    const repeated: TestTensor = { name: "w", shape: [2 ** 20], strides: [0], storage: "11" };
    const failure = await failureOf(() =>
      open(torchLegacyOf(stateDict([weight, repeated], storages, true), storages)),
    );
    expect(failure).toMatchObject({ code: "checkpoint/limit" });
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
      "the pickle has 6",
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

  const system = (value: p.Bytes) => [p.int(LEGACY_MAGIC), p.int(1001), value];
  const littleEndian = p.dict([p.text("little_endian"), p.bool(true)]);
  const storage = (kind: string, count: number) =>
    p.persistent(
      p.tuple(p.text("storage"), p.global("torch", kind), p.text("0"), p.text("cpu"), p.int(count), p.none),
    );
  const viewOfStorage = p.persistent(
    p.tuple(
      p.text("storage"),
      p.global("torch", "FloatStorage"),
      p.text("0"),
      p.text("cpu"),
      p.int(1),
      p.tuple(p.text("1"), p.int(0), p.int(1)),
    ),
  );

  it.each<[string, p.Bytes[], string]>([
    ["another protocol", [p.int(LEGACY_MAGIC), p.int(1002)], "protocol 1001"],
    ["a stream that does not say its byte order", system(p.dict()), "byte order"],
    ["a system that is no dictionary", system(p.none), "byte order"],
    ["keys that are no list", [...system(littleEndian), p.dict(), p.tuple()], "no list of storages"],
    [
      "a storage of two sizes",
      [...system(littleEndian), p.list(storage("FloatStorage", 1), storage("FloatStorage", 2))],
      "contradicts itself",
    ],
    [
      "a storage of two types",
      [...system(littleEndian), p.list(storage("FloatStorage", 1), storage("IntStorage", 1))],
      "contradicts itself",
    ],
    ["a view of a storage", [...system(littleEndian), viewOfStorage], "before 0.4"],
  ])("refuses %s", async (_, pickles, says) => {
    const failure = await failureOf(() =>
      open(Uint8Array.from(pickles.flatMap((each) => [...p.pickle(each)]))),
    );
    expect(failure.message).toContain(says);
    expect(failure.code).toBe("checkpoint/malformed");
  });

  it("stops reading a pickle that continues beyond the limit", async () => {
    let read = 0;
    // A string of 16 MB that is dropped again and again, only to use memory.
    const unit = Uint8Array.from([0x58, ...p.littleEndian(2 ** 24, 4)]);
    const source = {
      name: "endless",
      size: 2 ** 40,
      read: (offset: number, length: number) => {
        read += length;
        const bytes = new Uint8Array(length).fill(0x61);
        for (let at = 2 - offset; at < length; at += 2 ** 24 + 6) {
          if (at < 0) continue;
          bytes.set(unit.subarray(0, length - at), at);
          if (at + 5 + 2 ** 24 < length) bytes[at + 5 + 2 ** 24] = 0x30;
        }
        bytes.set([0x80, 2], 0);
        return Promise.resolve(bytes);
      },
    };
    expect(await failureOf(() => readTorchLegacy(source))).toMatchObject({ code: "checkpoint/limit" });
    expect(read).toBeLessThan(2 ** 27);
  });

  it("reports a file cut anywhere as truncated", async () => {
    const whole = torchLegacyOf(root, storages);
    for (let length = 0; length < whole.length; length++)
      expect(await failureOf(() => open(whole.subarray(0, length)))).toMatchObject({
        code: "checkpoint/truncated",
      });
  });
});
