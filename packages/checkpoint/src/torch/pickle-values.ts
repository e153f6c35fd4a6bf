// The values of a pickle: plain data, in this package's own classes. Keys from the file never become keys of JavaScript
// objects: dictionaries are Maps.

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
  /** Whether BUILD may set attributes: true for an OrderedDict, false for a plain dict. */
  readonly takesAttributes: boolean;

  constructor(takesAttributes = false) {
    this.takesAttributes = takesAttributes;
  }
}

/** A set. Its members keep their order; equal ones are not merged. */
export class PickleSet {
  readonly items: PickleValue[];

  constructor(items: PickleValue[] = []) {
    this.items = items;
  }
}

/** A value that the pickle's world defines: globals, storages, tensors. `label` describes it. */
export class PickleObject {
  readonly label: string;

  constructor(label: string) {
    this.label = label;
  }
}

/**
 * A setting of a training script, unrelated to weights: argparse's Namespace, ruamel's mappings, NumPy's numbers. It
 * accepts attributes and items and discards them.
 */
export class PickleSkipped extends PickleObject {}

/** The implementation of an allow-listed global. `charge(n)` counts n steps of work in advance. */
export type PickleCall = (args: readonly PickleValue[], charge: (steps: number) => void) => PickleValue;

/** An allow-listed global. */
export class PickleGlobal extends PickleObject {
  readonly call: PickleCall | undefined;

  constructor(name: string, call?: PickleCall) {
    super(name);
    this.call = call;
  }
}

/** A description of a value, for messages. */
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

/** Whether Python can use the value as a key. Lists, dictionaries and sets cannot be keys. */
export const isHashable = (value: PickleValue): boolean =>
  !(value instanceof PickleList || value instanceof PickleDict || value instanceof PickleSet);

/** The limits of one run. A pre-training checkpoint of BLIP with its optimizer needs less than a tenth of each. */
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
