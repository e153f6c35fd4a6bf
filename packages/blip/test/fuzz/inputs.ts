// What targets damage their inputs with: values that no schema expects at places of a JSON file, and bytes.
import fc from "fast-check";
import { mutate, type Random } from "../support/mutate.ts";

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
};

/** Values that catch who trusts a type, a size or a prototype. */
const hostile: readonly unknown[] = [
  null, true, false, 0, 1, -1, 0.5, 2 ** 31, 2 ** 53, 1e308, -1e308, 5e-324, "", "0", "1e9", "__proto__", "constructor",
  "../../x", "\u001b[31mred\n", "\u009b1m", "\ud800", "x".repeat(5_000), [], {}, [[]], { toString: 1, valueOf: 1 },
  { length: 3 }, { toJSON: 1 }, { then: 1 }, nested(70), nested(63), JSON.parse('{"__proto__": {"a": 1}}'), [0, 0, 0], [1e308, 1, 1],
]; // prettier-ignore

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostile) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
);

/** One change of a JSON file: at a place, another value, a key more, or one less. */
export interface JsonEdit {
  readonly place: readonly number[];
  readonly kind: "set" | "add" | "remove";
  readonly key: string;
  readonly value: unknown;
}

export const jsonEdit = (keys: readonly string[] = []): fc.Arbitrary<JsonEdit> =>
  fc.record({
    place: fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }),
    kind: fc.constantFrom("set", "set", "set", "add", "remove"),
    key: fc.oneof(fc.constantFrom("__proto__", "toString", "", ...keys), fc.string({ maxLength: 8 })),
    value: hostileValue,
  });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** A copy of a JSON value with changes. */
export function edited(original: unknown, edits: readonly JsonEdit[]): unknown {
  const holder = { file: structuredClone(original) };
  for (const { place, kind, key, value: given } of edits) {
    // A value of its own, which a later edit may change.
    const value = structuredClone(given);
    let parent: Record<string, unknown> = holder;
    let at = "file";
    for (const step of place) {
      const inside = parent[at];
      if (!isObject(inside)) break;
      const keys = Object.keys(inside);
      const next = keys[step % Math.max(1, keys.length)];
      if (next === undefined) break;
      parent = inside;
      at = next;
    }
    const put = (where: Record<string, unknown>, name: string) =>
      Object.defineProperty(where, name, { value, enumerable: true, configurable: true, writable: true });
    const target = parent[at];
    if (kind === "remove" && parent !== holder) Reflect.deleteProperty(parent, at);
    else if (kind === "add" && isObject(target))
      put(target, Array.isArray(target) ? String(target.length) : key);
    else put(parent, at);
  }
  return holder.file;
}

/** The same as text, one time in eight damaged as such: keys twice, ends missing, signs in between. */
export const damagedText: fc.Arbitrary<(text: string) => string> = fc.oneof(
  { weight: 7, arbitrary: fc.constant((text: string) => text) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(...Array.from('{}[]",:0-e\\\u0000')),
        fc.nat(3),
      )
      .map(([at, sign, kind]) => (text: string) => {
        const place = Math.floor(at * text.length);
        if (kind === 0) return text.slice(0, place);
        if (kind === 1) return text.slice(0, place) + sign + text.slice(place + 1);
        if (kind === 2) return text.slice(0, place) + sign + text.slice(place);
        return text.slice(0, place) + text.slice(Math.max(0, place - 40));
      }),
  },
);

/** mulberry32: a small generator whose whole state is one number. */
function seeded(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Damage to bytes: none half of the time, so that what structure alone breaks is seen. */
export const damagedBytes: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc.oneof(
  fc.constant((bytes: Uint8Array) => bytes),
  fc.integer().map((seed) => (bytes: Uint8Array) => mutate(bytes, seeded(seed))),
);
