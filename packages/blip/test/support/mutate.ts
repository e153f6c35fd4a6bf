// Ways to damage a file: anywhere, or in sensitive parts (lengths, header text, opcodes).

/** Draws a whole number from 0 to below `below`. */
export type Random = (below: number) => number;

type Mutation = (bytes: Uint8Array, random: Random) => Uint8Array;

const splice = (bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...bytes.subarray(at + removed)]);

const changed = (bytes: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array => {
  const copy = bytes.slice();
  change(copy);
  return copy;
};

const flipBit: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    const at = random(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
  });

const setByte: Mutation = (bytes, random) =>
  changed(bytes, (copy) => (copy[random(copy.length)] = random(256)));

const truncate: Mutation = (bytes, random) => bytes.slice(0, random(bytes.length));

const dropFront: Mutation = (bytes, random) => bytes.slice(random(Math.min(bytes.length, 64)));

const moveSlice: Mutation = (bytes, random) => {
  const from = random(bytes.length);
  const slice = bytes.slice(from, from + random(64));
  return splice(bytes, random(bytes.length), random(64), slice);
};

const insertNoise: Mutation = (bytes, random) =>
  splice(
    bytes,
    random(bytes.length),
    0,
    Uint8Array.from({ length: random(32) }, () => random(256)),
  );

/** Critical values for lengths and offsets. */
const EDGES = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0xffffffffn,
  2n ** 40n,
  2n ** 53n,
  2n ** 60n,
  2n ** 64n - 1n,
];

const setNumber: Mutation = (bytes, random) =>
  changed(bytes, (copy) => {
    const width = [1, 2, 4, 8][random(4)] ?? 1;
    const value = EDGES[random(EDGES.length)] ?? 0n;
    const at = random(copy.length);
    for (let index = 0; index < width && at + index < copy.length; index++)
      copy[at + index] = Number((value >> BigInt(8 * index)) & 0xffn);
  });

/** Opcodes of every kind, allowed and refused, and names of globals. */
const SNIPPETS = [
  "(", ")", "]", "}", "t", "u", "s", "a", "e", "0", "1", "2", "R", "b", "o", "Q", "P", ".", "N",
  "\x81", "\x82\x01", "\x85", "\x86", "\x87", "\x8f", "\x90", "\x91", "\x92", "\x93", "\x94", "\x95", "\x97",
  "h\x01", "q\x01", "j\xff\xff\xff\xff", "r\xff\xff\xff\x7f", "K\x05", "J\xff\xff\xff\xff", "\x8a\xff", "\x8b\xff\xff\xff\x7f",
  "X\xff\xff\xff\xff", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "B\xff\xff\xff\x7f", "G\x7f\xf0\0\0\0\0\0\0",
  "cos\nsystem\n", "ios\nsystem\n", "ctorch\nSize\n", "cbuiltins\nset\n", "ccollections\nOrderedDict\n", "ctorch\nLongStorage\n",
  "ctorch._utils\n_rebuild_parameter\n", "ctorch.storage\nUntypedStorage\n", "ccollections\nCounter\n",
  // Pieces of JSON headers.
  '"', "{", "[", ",", ":", "-1", "1e400", "1152921504606846976", "0.5", "null", '"__proto__":{},', "\\u0000", "F64", "I8", "[],",
  "PK\x03\x04", "PK\x05\x06", "PK\x06\x07",
]; // prettier-ignore

const insertSnippet: Mutation = (bytes, random) => {
  const snippet = SNIPPETS[random(SNIPPETS.length)] ?? "";
  const inserted = Uint8Array.from(snippet, (character) => character.charCodeAt(0));
  const over = random(2) === 0;
  return splice(bytes, random(bytes.length), over ? inserted.length : 0, inserted);
};

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Changes a digit of a number in the text: the JSON stays valid, but the value differs. */
const setDigit: Mutation = (bytes, random) => {
  const digits = [...bytes.keys()].filter((at) => isDigit(bytes[at]));
  const at = digits[random(digits.length)];
  return changed(bytes, (copy) => {
    if (at !== undefined) copy[at] = 0x30 + random(10);
  });
};

const MUTATIONS = [
  flipBit,
  setByte,
  truncate,
  dropFront,
  moveSlice,
  insertNoise,
  setNumber,
  setNumber,
  insertSnippet,
  insertSnippet,
  setDigit,
];

/** Applies one to three mutations to a copy of `bytes`. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let result = bytes;
  for (let count = 1 + random(3); count > 0 && result.length > 0; count--)
    result = (MUTATIONS[random(MUTATIONS.length)] ?? flipBit)(result, random);
  return result;
}
