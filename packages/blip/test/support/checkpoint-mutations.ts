// Tests thousands of damaged checkpoints: each opens, or is refused with a BlipError. No other error, no hang, no read
// out of bounds. The cases come from a seeded generator, so a failure names its case and can be repeated.
import { describe, expect, it } from "vitest";
import { BlipError, type ByteSource } from "@blip-ts/base";
import { type Checkpoint, openCheckpoint, readTensorBytes } from "@blip-ts/checkpoint";
import { floats, safetensorsOf, stateDict, torchLegacyOf, torchZipOf } from "@blip-ts/testing";
import { mutate, type Random } from "./mutate.ts";
import * as p from "@blip-ts/testing/pickle-bytes";

const SEED = 20220128;

/** Limit on a case's processor time; a case takes well under a millisecond. */
const MAX_CASE_MS = 1_000;
const MAX_TENSOR_BYTES = 2 ** 16;
/** Opening reads headers, directory and pickle: for these small files, at most a few times their size. */
const MAX_READ_FACTOR = 4;

/** mulberry32: a small generator whose state is a single number. */
function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const storages = { "0": [1, 2, 3, 4, 5, 6], "1": [7, 8] };
const tensors = [
  { name: "visual_encoder.cls_token", shape: [2, 3], storage: "0" },
  { name: "text_proj.weight", shape: [3, 2], strides: [1, 3], storage: "0" },
  { name: "text_proj.bias", shape: [2], storage: "1" },
];
const wrapped = (legacy: boolean) =>
  p.dict(
    [
      p.text("model"),
      p.build(
        [...p.reduce(p.global("collections", "OrderedDict")), 0x28, ...entries(legacy), 0x75],
        p.dict(),
      ),
    ],
    [p.text("epoch"), p.int(2n ** 40n)],
    [p.text("lr"), p.list(p.float(0.1), p.none, p.bool(true), [...p.text("x"), ...p.put(1)], p.get(1))],
  );
const entries = (legacy: boolean) => stateDict(tensors, storages, legacy).slice(2, -1);

const header = {
  __metadata__: { format: "pt" },
  "visual_encoder.cls_token": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
  "text_proj.bias": { dtype: "BF16", shape: [4], data_offsets: [24, 32] },
};
const data = floats([1, 2, 3, 4, 5, 6, 7, 8]);
const headerText = new TextEncoder().encode(JSON.stringify(header));
const root = wrapped(false);
const zip64 = { zip64: true, comment: floats([1]) };

/** Makes a file with `damage` applied to all of it or to one part; the rest is sound. */
type Make = (damage: (bytes: Uint8Array) => Uint8Array) => Uint8Array;

const files: readonly (readonly [string, Make])[] = [
  ["safetensors file", (damage) => damage(safetensorsOf(header, data))],
  ["safetensors header", (damage) => safetensorsOf(damage(headerText), data)],
  ["torch zip", (damage) => damage(torchZipOf(root, storages))],
  ["torch zip64", (damage) => damage(torchZipOf(root, storages, zip64))],
  ["pickle of a torch zip", (damage) => torchZipOf(root, storages, { damage })],
  ["torch legacy file", (damage) => damage(torchLegacyOf(wrapped(true), storages))],
];

/** Counts the bytes that are read from a source, and rejects ranges outside it. */
function watched(bytes: Uint8Array): { source: ByteSource; total: () => number } {
  let total = 0;
  const source: ByteSource = {
    name: "damaged",
    size: bytes.length,
    read: (offset, length) => {
      const inside =
        Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= bytes.length;
      if (!inside)
        return Promise.reject(new RangeError(`asked for ${length} bytes at ${offset} of ${bytes.length}`));
      total += length;
      return Promise.resolve(bytes.slice(offset, offset + length));
    },
  };
  return { source, total: () => total };
}

async function openedOrRefused(work: () => Promise<Checkpoint>): Promise<Checkpoint | BlipError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BlipError) return error;
    throw error;
  }
}

/** @param cases the total number of cases @param timeout the time limit of each test, in milliseconds */
export function mutationTests(cases: number, timeout: number): void {
  const casesEach = Math.ceil(cases / files.length);

  describe.each(files)("a damaged %s", (name, make) => {
    it("opens as it is", async () => {
      expect((await openCheckpoint(watched(make((bytes) => bytes)).source)).tensors.size).toBeGreaterThan(1);
    });

    it(`opens or is refused on purpose, in ${casesEach} cases`, { timeout }, async () => {
      const random = seeded(SEED);
      const codes = new Map<string, number>();
      let slowest = 0;
      for (let index = 0; index < casesEach; index++) {
        const damaged = make((bytes) => mutate(bytes, random));
        const where = `${name}, case ${index}`;
        const { source, total } = watched(damaged);
        const started = process.cpuUsage();
        const outcome = await openedOrRefused(() => openCheckpoint(source)).catch((error: unknown) =>
          expect.fail(`${where}: ${String(error)}`),
        );
        expect(total(), where).toBeLessThanOrEqual(MAX_READ_FACTOR * damaged.length + 1_024);
        if (!(outcome instanceof BlipError))
          for (const tensor of outcome.tensors.values()) {
            const read = await readTensorBytes(tensor, { maxBytes: MAX_TENSOR_BYTES }).catch(
              (error: unknown) =>
                error instanceof BlipError ? undefined : expect.fail(`${where}: ${String(error)}`),
            );
            if (read !== undefined) expect(read.length, where).toBe(tensor.byteLength);
          }
        const { user, system } = process.cpuUsage(started);
        slowest = Math.max(slowest, (user + system) / 1000);
        const code = outcome instanceof BlipError ? outcome.code : "opened";
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
      expect(slowest).toBeLessThan(MAX_CASE_MS);
      // If every mutation were refused at once, or changed nothing, the test would be worthless.
      expect(codes.size).toBeGreaterThan(3);
      expect(codes.get("opened") ?? 0).toBeGreaterThan(0);
      console.info(`${name}: slowest case ${slowest.toFixed(1)} ms`, Object.fromEntries(codes));
    });
  });
}
