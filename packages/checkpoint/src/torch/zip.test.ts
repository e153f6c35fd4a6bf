import { describe, expect, it } from "vitest";
import {
  failureOf,
  stateDict,
  type TestStorages,
  type TestTensor,
  torchZipOf,
  type TorchZipOptions,
} from "@blip-ts/testing";
import * as p from "@blip-ts/testing/pickle-bytes";
import { memorySource } from "../memory-source.ts";
import { readTensorBytes } from "../stored-tensor.ts";
import { readTorchZip } from "./zip.ts";

const storages: TestStorages = { "0": [1, 2, 3, 4, 5, 6], "1": [7] };
const weight: TestTensor = { name: "weight", shape: [2, 3], storage: "0" };
const bias: TestTensor = { name: "bias", shape: [], storage: "1" };

const open = (root: p.Bytes, options?: TorchZipOptions, of = storages) =>
  readTorchZip(memorySource("m.pth", torchZipOf(root, of, options)));

const values = async (root: p.Bytes, name: string) => {
  const tensor = (await open(root)).tensors.get(name);
  return tensor && [...new Float32Array((await readTensorBytes(tensor)).buffer)];
};

describe("readTorchZip", () => {
  it.each(["archive/", "some.name with spaces/", "a/b/", ""])(
    "opens a bare state dict under %j",
    async (prefix) => {
      const { format, tensors, metadata } = await open(stateDict([weight, bias], storages), { prefix });
      expect(format).toBe("torch-zip");
      expect([...tensors.keys()]).toEqual(["weight", "bias"]);
      expect(metadata).toEqual({ stateDict: "top level" });
    },
  );

  it("returns ranges of the archive itself", async () => {
    const bytes = torchZipOf(stateDict([weight], storages), storages);
    const tensor = (await readTorchZip(memorySource("m", bytes))).tensors.get("weight");
    const offset = tensor?.offset ?? 0;
    expect(tensor?.strides).toBeUndefined();
    expect([...new Float32Array(bytes.slice(offset, offset + 24).buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each<[string, TestTensor, number[]]>([
    ["a view into a shared storage", { ...weight, shape: [2], storageOffset: 3 }, [4, 5]],
    ["a transposed view", { ...weight, shape: [3, 2], strides: [1, 3] }, [1, 4, 2, 5, 3, 6]],
    ["an expanded view", { ...weight, shape: [2, 2], strides: [0, 1] }, [1, 2, 1, 2]],
    ["a view without elements at the end", { ...weight, shape: [0], storageOffset: 6 }, []],
  ])("reads %s", async (_, tensor, expected) => {
    expect(await values(stateDict([tensor], storages), "weight")).toEqual(expected);
  });

  it("reads position ids in the form of BLIP's files: one row, expanded", async () => {
    const ids = { "0": Array.from({ length: 512 }, (_, index) => index) };
    const positions: TestTensor = { name: "position_ids", shape: [1, 512], strides: [0, 1], storage: "0" };
    const { tensors } = await open(stateDict([positions], ids), {}, ids);
    expect([...tensors.values()].map(({ shape }) => shape)).toEqual([[1, 512]]);
  });

  it.each<[string, TestTensor[]]>([
    [
      "repeats one number",
      Array.from({ length: 8 }, (_, index) => ({
        ...{ name: `weight${index}`, shape: [1024, 1024, 64], strides: [0, 0, 0], storage: "1" },
      })),
    ],
    ["repeats one number in one tensor", [{ name: "w", shape: [2 ** 20], strides: [0], storage: "1" }]],
    ["overlaps itself", [{ name: "w", shape: [2 ** 19, 6], strides: [0, 1], storage: "0" }]],
    [
      "shares one storage among many names",
      Array.from({ length: 12 }, (_, index) => ({ name: `w${index}`, shape: [2 ** 16], storage: "2" })),
    ],
  ])("refuses a small file that %s until it is large", async (_, tensors) => {
    const more = { ...storages, "2": new Array<number>(2 ** 16).fill(0) };
    const failure = await failureOf(() => open(stateDict(tensors, more), {}, more));
    expect(failure).toMatchObject({ code: "checkpoint/limit" });
    expect(failure.message).toMatch(/^m\.pth: expected tensors of at most \d+ bytes .*repeat/);
  });

  it.each(["model", "state_dict"])(
    "finds the state dict under %j and lets plain training state be",
    async (wrapper) => {
      const root = p.dict(
        [p.text("optimizer"), p.dict([p.text("state"), p.dict([p.int(0), p.list(p.float(0.5), p.none)])])],
        [p.text("epoch"), p.int(2n ** 70n)],
        [p.text(wrapper), stateDict([weight], storages)],
      );
      const { tensors, metadata } = await open(root);
      expect([...tensors.keys()]).toEqual(["weight"]);
      expect(metadata).toEqual({ stateDict: wrapper, otherEntries: '["optimizer","epoch"]' });
    },
  );

  it("opens parameters, and tensors with attributes, as plain tensors", async () => {
    const tensor = p.reduce(
      p.global("torch._utils", "_rebuild_parameter"),
      dataOf(weight),
      p.bool(true),
      p.none,
    );
    const args = p.tuple(
      p.persistent(storageId("FloatStorage", "0", 6)),
      p.int(1),
      p.tuple(p.int(1)),
      p.tuple(p.int(1)),
      p.bool(false),
      p.none,
    );
    const subclass = p.reduce(
      p.global("torch._tensor", "_rebuild_from_type_v2"),
      p.global("torch._utils", "_rebuild_tensor_v2"),
      p.global("torch", "Tensor"),
      args,
      p.dict([p.text("note"), p.none]),
    );
    const root = p.dict([p.text("a"), tensor], [p.text("b"), subclass]);
    expect(await values(root, "a")).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await values(root, "b")).toEqual([2]);
  });

  it("takes the dtype of an untyped storage from the tensor", async () => {
    const v3 = (dtype: p.Bytes) =>
      p.dict([
        p.text("weight"),
        p.reduce(
          p.global("torch._utils", "_rebuild_tensor_v3"),
          p.persistent(
            p.tuple(
              p.text("storage"),
              p.global("torch.storage", "UntypedStorage"),
              p.text("0"),
              p.text("cpu"),
              p.int(24),
            ),
          ),
          p.int(0),
          p.tuple(p.int(3)),
          p.tuple(p.int(1)),
          p.bool(false),
          p.none,
          dtype,
        ),
      ]);
    expect((await open(v3(p.global("torch", "float64")))).tensors.get("weight")).toMatchObject({
      dtype: "float64",
      byteLength: 24,
    });
    expect(await failureOf(() => open(v3(p.global("torch", "uint16"))))).toMatchObject({
      code: "checkpoint/dtype",
    });
    expect(await failureOf(() => open(v3(p.none)))).toMatchObject({ code: "checkpoint/malformed" });
  });

  it.each<[string, p.Bytes, TorchZipOptions, string, string]>([
    [
      "a tensor that reaches out of its storage",
      stateDict([{ ...weight, storageOffset: 1 }], storages),
      {},
      "checkpoint/malformed",
      "exceeds its storage",
    ],
    [
      "strides that reach out of it",
      stateDict([{ ...weight, strides: [4, 1] }], storages),
      {},
      "checkpoint/malformed",
      "exceeds its storage",
    ],
    [
      "2^60 elements by a stride of 0",
      stateDict([{ ...weight, shape: [2 ** 40, 2 ** 20], strides: [0, 0] }], storages),
      {},
      "checkpoint/malformed",
      "exceeds its storage",
    ],
    [
      "strides of 2^52",
      stateDict([{ ...weight, strides: [2 ** 52, 2 ** 52] }], storages),
      {},
      "checkpoint/malformed",
      "exceeds its storage",
    ],
    [
      "a negative offset",
      stateDict([{ ...weight, storageOffset: -1 }], storages),
      {},
      "checkpoint/malformed",
      "builds a tensor",
    ],
    [
      "more strides than sizes",
      stateDict([{ ...weight, strides: [1] }], storages),
      {},
      "checkpoint/malformed",
      "2 sizes and 1 strides",
    ],
    [
      "65 dimensions",
      stateDict([{ ...weight, shape: new Array<number>(65).fill(1) }], storages),
      {},
      "checkpoint/malformed",
      "at most 64",
    ],
    [
      "a storage that claims more than the archive has",
      stateDict([{ ...weight, storage: "0" }], { "0": new Array<number>(7).fill(0) }),
      {},
      "checkpoint/malformed",
      "needs 28 bytes",
    ],
    [
      "a storage that is not there",
      stateDict([{ ...weight, storage: "9", shape: [0] }], storages),
      {},
      "checkpoint/missing-member",
      "data/9",
    ],
    [
      "complex storages",
      stateDict([{ ...weight, storageClass: "ComplexFloatStorage" }], storages),
      {},
      "checkpoint/dtype",
      "ComplexFloatStorage",
    ],
    [
      "a big-endian archive",
      stateDict([weight], storages),
      { byteorder: "big" },
      "checkpoint/unsupported",
      "big-endian",
    ],
    [
      "an unknown byte order",
      stateDict([weight], storages),
      { byteorder: "pdp" },
      "checkpoint/malformed",
      "pdp",
    ],
    [
      "a TorchScript archive",
      stateDict([weight], storages),
      { extra: [{ name: "archive/code/x.py", data: new Uint8Array(9), method: 8 }] },
      "checkpoint/unsupported",
      "TorchScript",
    ],
    [
      "two pickles",
      stateDict([weight], storages),
      { extra: [{ name: "other/data.pkl", data: new Uint8Array(0) }] },
      "checkpoint/malformed",
      "2 files named data.pkl",
    ],
    [
      "a compressed storage",
      stateDict([{ ...weight, storage: "7", shape: [0] }], storages),
      { extra: [{ name: "archive/data/7", data: new Uint8Array(1), method: 8 }] },
      "checkpoint/unsupported",
      "deflate",
    ],
    [
      "a number beside the tensors",
      p.dict([p.text("epoch"), p.int(3)]),
      {},
      "checkpoint/not-a-tensor",
      "at epoch, got the number 3",
    ],
    [
      "a dictionary inside the state dict",
      p.dict([p.text("model"), p.dict([p.text("ema"), p.dict()])]),
      {},
      "checkpoint/not-a-tensor",
      "at ema, got a dictionary",
    ],
    ["a name that is a number", p.dict([p.int(1), p.none]), {}, "checkpoint/not-a-tensor", "not a string"],
    ["a list", p.list(), {}, "checkpoint/not-a-tensor", "got a list"],
    [
      "a persistent id that is no storage",
      p.persistent(p.text("module")),
      {},
      "checkpoint/malformed",
      "instead of a storage",
    ],
    [
      "a pickle that runs a command",
      p.reduce(p.global("os", "system"), p.text("x")),
      {},
      "checkpoint/pickle-global",
      "os.system",
    ],
  ])("refuses %s", async (_, root, options, code, says) => {
    const failure = await failureOf(() => open(root, options));
    expect(failure.message).toContain(says);
    expect(failure.code).toBe(code);
  });

  it("rejects a byte order of more than one word before it reads it", async () => {
    expect(await failureOf(() => open(p.none, { byteorder: "little".padEnd(17) }))).toMatchObject({
      code: "checkpoint/limit",
    });
  });

  it("reports a pickle that ends before its STOP as truncated", async () => {
    const damage = (pickle: Uint8Array) => pickle.slice(0, -1);
    expect(await failureOf(() => open(p.dict(), { damage }))).toMatchObject({ code: "checkpoint/truncated" });
  });

  it("bounds the work of making many tensors of many dimensions", async () => {
    const shape = new Array<number>(64).fill(1);
    const [callee, args] = [p.global("torch", "Size"), p.tuple(p.tuple(...shape.map(p.int)))];
    const again = [...p.get(1), ...p.get(2), 0x52];
    const first = p.list([...callee, ...p.put(1)], [...args, ...p.put(2)]);
    const many = Array.from({ length: 40_000 }, () => [...again, 0x30]).flat();
    expect(await failureOf(() => open([...first, ...many]))).toMatchObject({ code: "checkpoint/limit" });
  });

  it("rejects a zip archive of other content", async () => {
    const failure = await failureOf(() => open(p.none, { prefix: "word/x" }));
    expect(failure.code).toBe("checkpoint/missing-member");
    expect(failure.message).toContain("not a PyTorch checkpoint");
  });
});

const storageId = (kind: string, key: string, count: number) =>
  p.tuple(p.text("storage"), p.global("torch", kind), p.text(key), p.text("cuda:0"), p.int(count));

function dataOf(tensor: TestTensor): p.Bytes {
  // The value of the only entry in its state dict, without the surrounding dictionary.
  const whole = stateDict([tensor], storages);
  return whole.slice(2 + p.text(tensor.name).length, -1);
}
