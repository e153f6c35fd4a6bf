// Targets: files of weights. What opens has its tensors read, as converting them does.
import fc from "fast-check";
import {
  type Checkpoint,
  memorySource,
  openCheckpoint,
  readSharded,
  readTensorBytes,
} from "@blip-ts/checkpoint";
import { safetensorsOf, stateDict, torchLegacyOf, torchZipOf } from "@blip-ts/testing";
import * as p from "@blip-ts/testing/pickle-bytes";
import { fuzzTarget } from "./harness.ts";
import { damagedBytes, damagedText, edited, hostileValue, jsonEdit } from "./inputs.ts";

const maxTensorBytes = 2 ** 16;

async function readAll(checkpoint: Checkpoint): Promise<string> {
  for (const tensor of checkpoint.tensors.values()) {
    const bytes = await readTensorBytes(tensor, { maxBytes: maxTensorBytes });
    if (bytes.length !== tensor.byteLength) throw new Error(`${tensor.name} has ${bytes.length} bytes`);
  }
  return `opened ${checkpoint.format}`;
}

const open = async (bytes: Uint8Array) => readAll(await openCheckpoint(memorySource("fuzzed", bytes)));

const widths = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;

const name = fc.oneof(
  fc.constantFrom("visual_encoder.cls_token", "text_proj.weight", "__metadata__", "__proto__", "a\u001b[0m"),
  fc.string({ maxLength: 12 }),
);

/** Tensors that lie one behind the other, as the format wants it. */
const tensors = fc.array(
  fc.record({
    name,
    dtype: fc.constantFrom(...(Object.keys(widths) as (keyof typeof widths)[])),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
  }),
  { maxLength: 5 },
);

/** A sound header, with the bytes that it speaks of. */
const soundHeader = tensors.map((list) => {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const { name: key, dtype, shape } of list) {
    if (Object.hasOwn(header, key) || key === "__proto__") continue;
    const size = shape.reduce((product, one) => product * one, widths[dtype]);
    header[key] = { dtype, shape, data_offsets: [end, end + size] };
    end += size;
  }
  return { header, data: new Uint8Array(end).fill(63) };
});

const fields = ["dtype", "shape", "data_offsets", "__metadata__"];

const safetensorsBytes = fc
  .tuple(soundHeader, fc.array(jsonEdit(fields), { maxLength: 3 }), damagedText, damagedBytes)
  .map(([{ header, data }, edits, damageText, damage]) =>
    damage(safetensorsOf(damageText(JSON.stringify(edited(header, edits))), data)),
  );

const safetensors = fuzzTarget({
  ...{ name: "safetensors", cases: 4_000, megabytes: 300 },
  inputs: safetensorsBytes,
  use: open,
});

const shardNames = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

const shards = fuzzTarget({
  ...{ name: "shards", cases: 3_000, megabytes: 300 },
  inputs: fc.record({
    files: fc.tuple(soundHeader, soundHeader),
    edits: fc.array(jsonEdit(["weight_map", "metadata", "../x", ...shardNames]), { maxLength: 3 }),
    damage: damagedBytes,
  }),
  async use({ files, edits, damage }) {
    const map = files.flatMap(({ header }, file) =>
      Object.keys(header)
        .filter((key) => key !== "__metadata__")
        .map((key) => [key, shardNames[file]]),
    );
    const index = { metadata: { total_size: 8 }, weight_map: Object.fromEntries(map) as object };
    const checkpoint = await readSharded(edited(index, edits), "index", (file) => {
      const found = files[shardNames.indexOf(file)] ?? files[0];
      return Promise.resolve(memorySource(file, damage(safetensorsOf(found.header, found.data))));
    });
    return readAll(checkpoint);
  },
});

const size = fc.oneof(fc.nat(4), fc.constantFrom(0, 1, 2 ** 31, 2 ** 52));
/** Tensors as files have them, contiguous within their storage, or not. */
const soundTensor = fc.constantFrom(
  { name: "visual_encoder.cls_token", shape: [2, 3], storage: "0" },
  { name: "text_proj.weight", shape: [3, 2], strides: [1, 3], storage: "0" },
  { name: "text_proj.bias", shape: [2], storage: "1" },
  { name: "position_ids", shape: [7, 6], strides: [0, 1], storage: "0" },
);
const oddTensor = fc.record(
  {
    name: fc.constantFrom("visual_encoder.cls_token", "text_proj.weight", "text_proj.bias", "x\u0007"),
    shape: fc.array(size, { maxLength: 4 }),
    strides: fc.array(size, { maxLength: 4 }),
    storageOffset: size,
    storage: fc.constantFrom("0", "1", "2"),
    storageClass: fc.constantFrom("FloatStorage", "LongStorage", "BFloat16Storage", "OddStorage"),
  },
  { requiredKeys: ["name", "shape", "storage"] },
);
const torchTensors = fc.array(
  fc.oneof({ weight: 5, arbitrary: soundTensor }, { weight: 1, arbitrary: oddTensor }),
  { maxLength: 5 },
);
const storages = { "0": [1, 2, 3, 4, 5, 6], "1": [7, 8] };

const lie = fc.constantFrom(0, 1, 8, 0xffff, 0x7fffffff, 0xffffffff);
const memberLies = fc.record(
  {
    name: fc.constantFrom("archive/data/2", "archive/data.pkl", "archive/code/x", "../x", "archive/data/0"),
    data: fc.uint8Array({ maxLength: 16 }),
    method: fc.constantFrom(0, 8, 99),
    flags: fc.constantFrom(0, 1, 8, 0x800),
    padding: fc.nat(20),
    claimedSize: lie,
    claimedOffset: lie,
    localSize: lie,
    localName: fc.constantFrom("archive/data/2", "other"),
  },
  { requiredKeys: ["name", "data"] },
);
const zipLies = fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: zipLie() });
function zipLie() {
  return fc.record(
    {
      prefix: fc.constantFrom("archive/", "", "a/b/", "\u001b/"),
      byteorder: fc.constantFrom("little", "big", "", "middle-endian-of-some-length"),
      zip64: fc.boolean(),
      claimedCount: fc.nat(10),
      directoryShift: fc.integer({ min: -4, max: 4 }),
      extra: fc.array(memberLies, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
}

const torchZip = fuzzTarget({
  ...{ name: "torch-zip", cases: 3_000, megabytes: 300 },
  inputs: fc.tuple(torchTensors, zipLies, damagedBytes, fc.boolean()),
  use: ([list, lies, damage, inside]) => {
    const root = stateDict(list, storages);
    if (inside) return open(torchZipOf(root, storages, { ...lies, damage }));
    return open(damage(torchZipOf(root, storages, lies)));
  },
});

const legacy = fuzzTarget({
  ...{ name: "legacy", cases: 3_000, megabytes: 300 },
  inputs: fc.tuple(
    torchTensors,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      {
        weight: 1,
        arbitrary: fc.record(
          {
            magic: fc.bigInt({ min: 0n, max: 2n ** 80n }),
            littleEndian: fc.boolean(),
            keys: fc.array(fc.constantFrom("0", "1", "2"), { maxLength: 4 }),
          },
          { requiredKeys: [] },
        ),
      },
    ),
    damagedBytes,
  ),
  use: ([list, options, damage]) =>
    open(damage(torchLegacyOf(stateDict(list, storages, true), storages, options))),
});

const globals: readonly (readonly [string, string])[] = [
  ["torch", "FloatStorage"],
  ["torch", "Size"],
  ["torch", "float32"],
  ["torch", "complex64"],
  ["torch.storage", "UntypedStorage"],
  ["torch._utils", "_rebuild_tensor_v2"],
  ["torch._utils", "_rebuild_tensor_v3"],
  ["torch._utils", "_rebuild_parameter"],
  ["torch._tensor", "_rebuild_from_type_v2"],
  ["collections", "OrderedDict"],
  ["collections", "Counter"],
  ["builtins", "set"],
  ["_codecs", "encode"],
  ["os", "system"],
  ["builtins", "eval"],
  ["__builtin__", "__import__"],
];

/** One opcode with its arguments, allowed ones mostly. */
const opcode: fc.Arbitrary<p.Bytes> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(...Array.from("()]}tusae012NRboQ.l")).map((sign) => p.ascii(sign)),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x93, 0x94)
      .map((op) => [op]),
  },
  { weight: 2, arbitrary: fc.constantFrom(...globals).map(([module, of]) => p.global(module, of)) },
  { weight: 1, arbitrary: fc.constantFrom(...globals).map(([module, of]) => p.stackGlobal(module, of)) },
  { weight: 1, arbitrary: fc.nat(5).map((slot) => p.put(slot)) },
  { weight: 1, arbitrary: fc.nat(5).map((slot) => p.get(slot)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("storage", "0", "cpu", "model", "latin1", "é".repeat(300)).map(p.text),
  },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 100n), max: 2n ** 100n }).map(p.int) },
  { weight: 1, arbitrary: fc.double().map(p.float) },
  { weight: 1, arbitrary: fc.nat(2 ** 32 - 1).map((length) => [0x58, ...p.littleEndian(length, 4)]) },
  { weight: 1, arbitrary: fc.nat(2 ** 31 - 1).map((length) => [0x8b, ...p.littleEndian(length, 4)]) },
  { weight: 1, arbitrary: fc.nat(255).map((op) => [op]) },
);

/** Programs that build something, and opcodes in any order. */
const program: fc.Arbitrary<p.Bytes> = fc.oneof(
  fc.array(opcode, { maxLength: 60 }).map((list) => list.flat()),
  fc.tuple(torchTensors, fc.array(opcode, { maxLength: 6 }), fc.nat(40)).map(([list, between, at]) => {
    const sound = stateDict(list, storages);
    const place = Math.min(at, sound.length);
    return [...sound.slice(0, place), ...between.flat(), ...sound.slice(place)];
  }),
  // Much of one kind.
  fc
    .tuple(opcode, fc.integer({ min: 1, max: 2_000 }))
    .map(([op, count]) => Array.from({ length: count }, () => op).flat()),
);

const pickle = fuzzTarget({
  ...{ name: "pickle", cases: 3_000, megabytes: 300 },
  inputs: program,
  use: (root) => open(torchZipOf(root, storages)),
});

/** JSON of any kind where a header is expected. */
const headers = fuzzTarget({
  ...{ name: "headers", cases: 2_000, megabytes: 300 },
  inputs: fc.tuple(hostileValue, fc.uint8Array({ maxLength: 32 })),
  use: ([header, data]) => open(safetensorsOf(JSON.stringify(header), data)),
});

export const checkpointTargets = [safetensors, headers, shards, torchZip, pickle, legacy];
