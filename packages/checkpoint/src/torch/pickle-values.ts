// What a pickle can hold once the machine has read it: plain data, in classes of our own.
// No JavaScript object is ever keyed by what the file says: dictionaries are Maps.

export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleSet
  | PickleObject;

export class PickleList {
  readonly items: PickleValue[] = [];
}

export class PickleTuple {
  readonly items: readonly PickleValue[];

  constructor(items: readonly PickleValue[]) {
    this.items = items;
  }
}

export class PickleDict {
  readonly entries = new Map<PickleValue, PickleValue>();
  /** An OrderedDict may be given attributes (BUILD); a plain dict has none. */
  readonly takesAttributes: boolean;

  constructor(takesAttributes = false) {
    this.takesAttributes = takesAttributes;
  }
}

/** Its members as they came; equal ones are not merged. */
export class PickleSet {
  readonly items: PickleValue[];

  constructor(items: PickleValue[] = []) {
    this.items = items;
  }
}

/** What the world of the pickle defines: globals, storages, tensors. `label` says what it is. */
export class PickleObject {
  readonly label: string;

  constructor(label: string) {
    this.label = label;
  }
}

/**
 * Settings of a training script that say nothing about weights: argparse's Namespace, ruamel's mappings, NumPy's numbers.
 * It takes attributes and items and keeps none of them.
 */
export class PickleSkipped extends PickleObject {}

/** What an allow-listed global does when it is called. `charge(n)` books n steps of work before they are done. */
export type PickleCall = (args: readonly PickleValue[], charge: (steps: number) => void) => PickleValue;

/** An allow-listed global. */
export class PickleGlobal extends PickleObject {
  readonly call: PickleCall | undefined;

  constructor(name: string, call?: PickleCall) {
    super(name);
    this.call = call;
  }
}

/** What a value is, for messages. */
export function describeValue(value: PickleValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number" || typeof value === "bigint") return `the number ${value}`;
  if (typeof value === "string") return "a string";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof PickleList) return "a list";
  if (value instanceof PickleTuple) return "a tuple";
  if (value instanceof PickleDict) return "a dictionary";
  if (value instanceof PickleSet) return "a set";
  return value.label;
}

/** Can Python use it as a key? Our own classes for lists, dictionaries and sets cannot. */
export const isHashable = (value: PickleValue): boolean =>
  !(value instanceof PickleList || value instanceof PickleDict || value instanceof PickleSet);

/** Limits of one run. A pre-training checkpoint of BLIP with its optimizer asks for less than a tenth of each. */
export interface PickleLimits {
  /** Opcodes, and elements copied by calls. */
  readonly steps: number;
  /** Values on the stack. */
  readonly stack: number;
  /** Open MARKs. */
  readonly marks: number;
  /** Values in the memo. */
  readonly memo: number;
  /** Bytes of one string or bytes object. */
  readonly string: number;
  /** Bytes of one integer. */
  readonly integer: number;
  /** Characters in a line of GLOBAL: a module or a name. */
  readonly globalName: number;
}

export const PICKLE_LIMITS: PickleLimits = {
  steps: 2_000_000,
  stack: 500_000,
  marks: 1_000,
  memo: 500_000,
  string: 2 ** 24,
  integer: 1_024,
  globalName: 1_000,
};
