import { describe, expect, it } from "vitest";
import { failureOf } from "@blip-ts/testing";
import * as p from "@blip-ts/testing/pickle-bytes";
import {
  describeValue,
  PICKLE_LIMITS,
  PickleDict,
  PickleList,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";
import { runPickle, type PickleWorld } from "./pickle.ts";
import { torchGlobals } from "./globals.ts";

const world: PickleWorld = {
  where: "m.pth",
  findGlobal: torchGlobals("m.pth"),
  loadPersistent: (id) => id,
};

const run = async (value: p.Bytes, limits = PICKLE_LIMITS) =>
  (await runPickle(p.pickle(value), 0, world, limits))?.value;
const raw = async (...bytes: number[]) => (await runPickle(Uint8Array.from(bytes), 0, world))?.value;

/** A value as plain JavaScript, for comparison. */
const plain = (value: PickleValue | undefined): unknown => {
  if (value instanceof PickleDict)
    return new Map([...value.entries].map(([key, item]) => [key, plain(item)]));
  if (value instanceof PickleList || value instanceof PickleTuple) return value.items.map(plain);
  if (value instanceof PickleSet) return new Set(value.items.map(plain));
  return value;
};

const SYSTEM = p.ascii("os\nsystem\n");

describe("runPickle", () => {
  it.each<[string, p.Bytes, unknown]>([
    ["None", p.none, null],
    ["booleans", p.tuple(p.bool(true), p.bool(false)), [true, false]],
    ["small integers", p.tuple(p.int(-2), [0x4b, 200], [0x4d, 1, 2]), [-2, 200, 513]],
    ["LONG1 of no bytes", [0x8a, 0], 0],
    ["LONG1, negative", [0x8a, 2, 0x00, 0xff], -256],
    ["LONG4", [0x8b, 1, 0, 0, 0, 7], 7],
    ["integers beyond 2^53", p.int(2n ** 80n), 2n ** 80n],
    ["floats", p.float(-0.125), -0.125],
    ["strings", p.tuple(p.text("naïve 😀"), p.shortText("b")), ["naïve 😀", "b"]],
    ["bytes", [0x43, 2, 9, 8], Uint8Array.of(9, 8)],
    [
      "bytes of protocol 2",
      p.reduce(p.global("_codecs", "encode"), p.text("\u00ff\u0001"), p.text("latin1")),
      Uint8Array.of(255, 1),
    ],
    [
      "lists and tuples",
      p.list(p.tuple(), [0x29], [...p.int(1), 0x85], [...p.int(1), ...p.int(2), 0x86]),
      [[], [], [1], [1, 2]],
    ],
    [
      "dictionaries",
      p.dict([p.text("__proto__"), p.int(1)], [p.int(2), p.none]),
      new Map<unknown, unknown>([
        ["__proto__", 1],
        [2, null],
      ]),
    ],
    ["sets", [0x8f, 0x28, ...p.int(1), ...p.int(2), 0x90], new Set([1, 2])],
    ["sets of protocol 2", p.reduce(p.global("__builtin__", "set"), p.list(p.int(3))), new Set([3])],
    [
      "frozen sets of protocol 2",
      p.reduce(p.global("__builtin__", "frozenset"), p.list(p.int(3))),
      new Set([3]),
    ],
    ["frozen sets", [0x28, ...p.int(1), 0x91], new Set([1])],
    ["the memo", p.tuple([...p.text("x"), ...p.put(3)], p.get(3)), ["x", "x"]],
    ["MEMOIZE", p.tuple([...p.text("x"), 0x94], p.get(0)), ["x", "x"]],
    ["frames", [0x95, 1, 0, 0, 0, 0, 0, 0, 0, ...p.int(5)], 5],
    ["persistent ids", p.persistent(p.text("id")), "id"],
    [
      "OrderedDict with attributes",
      p.build(p.reduce(p.global("collections", "OrderedDict")), p.dict([p.text("_metadata"), p.none])),
      new Map(),
    ],
    [
      "Counter",
      p.reduce(p.global("collections", "Counter"), p.dict([p.int(3), p.int(1)])),
      new Map([[3, 1]]),
    ],
    ["torch.Size", p.reduce(p.global("torch", "Size"), p.tuple(p.int(2), p.int(3))), [2, 3]],
  ])("reads %s", async (_, bytes, expected) => {
    expect(plain(await run(bytes))).toEqual(expected);
  });

  it("never lets a key of the file reach a prototype", async () => {
    await run(p.dict([p.text("__proto__"), p.dict([p.text("polluted"), p.bool(true)])]));
    expect("polluted" in {}).toBe(false);
  });

  it.each<[string, p.Bytes]>([
    ["GLOBAL and REDUCE", p.reduce(p.global("os", "system"), p.text("echo"))],
    ["STACK_GLOBAL and REDUCE", p.reduce(p.stackGlobal("os", "system"), p.text("echo"))],
    ["INST", [0x28, ...p.text("echo"), 0x69, ...SYSTEM]],
    ["OBJ", [0x28, ...p.global("os", "system"), ...p.text("echo"), 0x6f]],
    ["NEWOBJ", [...p.global("os", "system"), ...p.tuple(p.text("echo")), 0x81]],
    ["BUILD", p.build(p.global("os", "system"), p.dict())],
    ["a mere mention", p.global("os", "system")],
  ])("refuses os.system through %s, by its name", async (_, bytes) => {
    const failure = await failureOf(() => run(bytes));
    expect(failure.code).toBe("checkpoint/pickle-global");
    expect(failure.message).toContain("os.system");
    expect(failure.message).toContain("Nothing was run");
  });

  it.each([
    ["builtins", "eval"],
    ["builtins", "getattr"],
    ["torch", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["torch", "Storage\u0000"],
    ["torch.nn.modules.linear", "Linear"],
    ["numpy.core.multiarray", "_reconstruct"],
    ["numpy", "ndarray"],
    ["argparse", "ArgumentParser"],
    ["argparse", "Namespace.__init__"],
    ["ruamel.yaml.comments", "copy_attributes"],
    ["ruamel.yaml.constructor", "construct_python_object"],
    ["ruamel_yaml", "load"],
    ["collections", "defaultdict"],
    ["collections", "OrderedDict.fromkeys"],
    ["torch._utils", "_rebuild_tensor_v2.__globals__"],
    ["__proto__", "constructor"],
  ])("refuses %s.%s", async (module, name) => {
    expect(await failureOf(() => run(p.stackGlobal(module, name)))).toMatchObject({
      code: "checkpoint/pickle-global",
    });
  });

  it.each([
    ["INST", [0x28, 0x69, ...p.ascii("torch\nSize\n")]],
    ["OBJ", [0x28, ...p.global("torch", "Size"), 0x6f]],
    ["NEWOBJ_EX", [0x92]],
    ["EXT1", [0x82, 1]],
    ["PERSID", [0x50, 0x0a]],
    ["NEXT_BUFFER", [0x97]],
    ["the unknown opcode 0xff", [0xff]],
  ])("refuses %s, by its name", async (name, bytes) => {
    const failure = await failureOf(() => run(bytes));
    expect(failure.code).toBe("checkpoint/pickle-opcode");
    expect(failure.message).toContain(name);
  });

  it.each<[string, string, string]>([
    ["argparse", "Namespace", "an argparse Namespace"],
    ["ruamel.yaml.comments", "CommentedMap", "a ruamel.yaml CommentedMap"],
    ["ruamel_yaml.comments", "CommentedSeq", "a ruamel.yaml CommentedSeq"],
    ["numpy._core.multiarray", "scalar", "a NumPy number"],
  ])(
    "skips %s.%s with its attributes and items, whose globals are held to the same list",
    async (module, name, label) => {
      const made = (...args: p.Bytes[]) => p.reduce(p.stackGlobal(module, name), ...args);
      const text = p.text("x");
      const filled = [
        ...p.build(made(text), p.dict([text, text])),
        ...[0x28, ...text, ...text, 0x75],
        ...[0x28, ...text, 0x65],
        ...[0x28, ...text, 0x90],
      ];
      expect(describeValue(await run(filled))).toBe(label);
      const hostile = made(p.reduce(p.global("os", "system"), text));
      expect(await failureOf(() => run(hostile))).toMatchObject({ code: "checkpoint/pickle-global" });
    },
  );

  it.each<[string, p.Bytes]>([
    ["a POP of nothing", [0x30, 0x30]],
    ["a TUPLE2 across a MARK", [...p.int(1), 0x28, ...p.int(2), 0x86]],
    ["a TUPLE without a MARK", [0x74]],
    ["values left on the stack", [...p.int(1), ...p.int(2)]],
    ["an open MARK", [...p.int(1), 0x28, 0x30, 0x28]],
    ["a list as a key", p.dict([p.list(), p.none])],
    ["a key without a value", [0x7d, 0x28, ...p.int(1), 0x75]],
    ["items for what is no dictionary", [0x5d, 0x28, 0x75]],
    ["an append to what is no list", [0x7d, ...p.int(1), 0x61]],
    ["a call of a tuple", p.reduce(p.tuple(), p.none)],
    ["a call of a storage class", p.reduce(p.global("torch", "FloatStorage"))],
    ["a call with a list", [...p.global("torch", "Size"), ...p.list(), 0x52]],
    ["attributes for a plain dictionary", p.build(p.dict(), p.dict())],
    ["an OrderedDict of arguments", p.reduce(p.global("collections", "OrderedDict"), p.list())],
    ["items added to what is no set", [0x5d, 0x28, ...p.int(1), 0x90]],
    ["a parameter of no tensor", p.reduce(p.global("torch._utils", "_rebuild_parameter"), p.none)],
    ["a tensor of no storage", p.reduce(p.global("torch._utils", "_rebuild_tensor_v2"), p.none, p.int(0))],
    [
      "a tensor of no dtype",
      p.reduce(p.global("torch._utils", "_rebuild_tensor_v3"), ...Array.from({ length: 7 }, () => p.none)),
    ],
    [
      "a tensor with attributes made by no tensor's maker",
      p.reduce(
        p.global("torch._tensor", "_rebuild_from_type_v2"),
        p.global("torch", "Size"),
        p.none,
        p.tuple(p.tuple()),
      ),
    ],
    [
      "a tensor with attributes made by itself",
      p.reduce(
        p.global("torch._tensor", "_rebuild_from_type_v2"),
        p.global("torch._tensor", "_rebuild_from_type_v2"),
        p.none,
        p.tuple(),
      ),
    ],
    ["a Counter of no counts", p.reduce(p.global("collections", "Counter"), p.list())],
    ["a set of what is no list", p.reduce(p.global("builtins", "set"), p.text("abc"))],
    [
      "bytes in an encoding that is not latin1",
      p.reduce(p.global("_codecs", "encode"), p.text("a"), p.text("rot13")),
    ],
    ["a string that is not UTF-8", [0x8c, 1, 0xff]],
    ["a global named by a number", [...p.int(1), ...p.text("x"), 0x93]],
  ])("refuses %s", async (_, bytes) => {
    expect(await failureOf(() => run(bytes))).toMatchObject({ code: "checkpoint/malformed" });
  });

  it.each<[string, p.Bytes, Partial<typeof PICKLE_LIMITS>, string]>([
    ["steps", p.list(...Array.from({ length: 50 }, () => p.none)), { steps: 40 }, "work"],
    [
      "copies by calls",
      p.list(
        [...p.list(...Array.from({ length: 20 }, () => p.none)), ...p.put(0)],
        ...Array.from({ length: 20 }, () => p.reduce(p.global("builtins", "set"), p.get(0))),
      ),
      { steps: 300 },
      "work",
    ],
    ["values on the stack", p.list(...Array.from({ length: 50 }, () => p.none)), { stack: 20 }, "stack"],
    ["nesting", Array.from({ length: 50 }, () => 0x28), { marks: 20 }, "nesting"],
    ["memo", [...p.none, ...Array.from({ length: 50 }, () => 0x94)], { memo: 20 }, "memo"],
    ["string", p.text("x".repeat(50)), { string: 20 }, "string"],
    ["integer", [0x8a, 40, ...new Array<number>(40).fill(1)], { integer: 20 }, "integer"],
    ["name", p.global("x".repeat(50), "y"), { globalName: 20 }, "name"],
  ])("bounds %s", async (_, bytes, limits, says) => {
    const failure = await failureOf(() => run(bytes, { ...PICKLE_LIMITS, ...limits }));
    expect(failure.code).toBe("checkpoint/limit");
    expect(failure.message).toContain(says);
  });

  it("names the memo index that was never set", async () => {
    expect((await failureOf(() => run(p.get(7)))).message).toContain("reads memo 7");
  });

  it("rejects a string of 2^63 bytes before it reads them", async () => {
    const huge = [0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80];
    expect(await failureOf(() => run(huge))).toMatchObject({ code: "checkpoint/limit" });
  });

  it("requests more bytes for a cut pickle, at every length", async () => {
    const whole = p.pickle(p.dict([p.text("a"), p.reduce(p.global("torch", "Size"), p.tuple(p.int(2)))]));
    for (let length = 0; length < whole.length; length++)
      expect(await runPickle(whole.subarray(0, length), 0, world)).toBeUndefined();
    expect((await runPickle(Uint8Array.from([...whole, 1, 2, 3]), 0, world))?.end).toBe(whole.length);
  });

  it("accepts protocols 2 to 5", async () => {
    expect(await raw(0x80, 5, 0x4e, 0x2e)).toBeNull();
    expect(await failureOf(() => raw(0x80, 1, 0x4e, 0x2e))).toMatchObject({ code: "checkpoint/malformed" });
    expect(await failureOf(() => raw(0x80, 6, 0x4e, 0x2e))).toMatchObject({ code: "checkpoint/malformed" });
    expect(await failureOf(() => raw(0x4e, 0x2e))).toMatchObject({ code: "checkpoint/malformed" });
  });
});
