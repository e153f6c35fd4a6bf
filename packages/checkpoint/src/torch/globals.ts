// The globals that a pickle of weights may name, and their values here. The list follows PyTorch's own `weights_only`
// loader for tensors and plain data. None of them runs Python: a storage is a key, and a tensor is a view of it.
// `skipped-globals.ts` lists further globals, whose values are discarded.
import { malformed, unsupportedDType } from "../errors.ts";
import {
  describeValue,
  PickleDict,
  PickleGlobal,
  PickleList,
  PickleObject,
  PickleSet,
  PickleSkipped,
  PickleTuple,
  type PickleCall,
  type PickleValue,
} from "./pickle-values.ts";
import { SKIPPED_GLOBALS } from "./skipped-globals.ts";
import { MAX_RANK, type CheckpointDType } from "../stored-tensor.ts";

/** A storage that the pickle refers to by its persistent id. */
export class TorchStorage extends PickleObject {
  readonly key: string;
  readonly dtype: StorageDType;
  /** The size in elements, or in bytes for an untyped storage. */
  readonly count: number;

  constructor(key: string, dtype: StorageDType, count: number) {
    super("a storage");
    this.key = key;
    this.dtype = dtype;
    this.count = count;
  }
}

/** A tensor of the pickle: a view of a storage. Offset and strides are in elements. */
export class TorchTensor extends PickleObject {
  readonly storage: TorchStorage;
  readonly dtype: CheckpointDType;
  readonly storageOffset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(
    storage: TorchStorage,
    dtype: CheckpointDType,
    storageOffset: number,
    shape: readonly number[],
    strides: readonly number[],
  ) {
    super("a tensor");
    this.storage = storage;
    this.dtype = dtype;
    this.storageOffset = storageOffset;
    this.shape = shape;
    this.strides = strides;
  }
}

type Charge = Parameters<PickleCall>[1];

type StorageDType = CheckpointDType | "untyped";

const STORAGE_DTYPES: ReadonlyMap<string, CheckpointDType> = new Map([
  ["DoubleStorage", "float64"],
  ["FloatStorage", "float32"],
  ["HalfStorage", "float16"],
  ["BFloat16Storage", "bfloat16"],
  ["LongStorage", "int64"],
  ["IntStorage", "int32"],
  ["ShortStorage", "int16"],
  ["CharStorage", "int8"],
  ["ByteStorage", "uint8"],
  ["BoolStorage", "bool"],
]);

/** A storage class, with the dtype of its elements. */
class StorageType extends PickleGlobal {
  readonly dtype: StorageDType;

  constructor(name: string, dtype: StorageDType) {
    super(name);
    this.dtype = dtype;
  }
}

/** A global such as `torch.float32`, including dtypes that no supported tensor has. */
class TorchDType extends PickleGlobal {}

const KNOWN_DTYPES: ReadonlySet<string> = new Set(STORAGE_DTYPES.values());
const OTHER_DTYPES = /^(?:complex(?:32|64|128)|uint(?:16|32|64)|float8_[a-z0-9]+)$/;

/**
 * The allow-list. Each file gets its own globals, so that messages can name the file.
 * @returns the lookup for `PickleWorld.findGlobal`
 */
export function torchGlobals(where: string) {
  const calls = torchCalls(where);
  return (module: string, name: string): PickleGlobal | undefined => {
    const path = `${module}.${name}`;
    const call = calls.get(path);
    if (call !== undefined) return new PickleGlobal(path, call);
    const skipped = SKIPPED_GLOBALS.get(path);
    if (skipped !== undefined) return new PickleGlobal(path, () => new PickleSkipped(skipped));
    if (path === "torch.storage.UntypedStorage") return new StorageType(path, "untyped");
    if (path === "torch.Tensor" || path === "torch.nn.parameter.Parameter") return new PickleGlobal(path);
    if (module === "torch" && (KNOWN_DTYPES.has(name) || OTHER_DTYPES.test(name)))
      return new TorchDType(path);
    if ((module === "torch" || module === "torch.cuda") && /^[A-Za-z0-9]+Storage$/.test(name)) {
      const dtype = STORAGE_DTYPES.get(name);
      if (dtype === undefined) throw unsupportedDType(where, "a tensor", path, [...STORAGE_DTYPES.keys()]);
      return new StorageType(path, dtype);
    }
    return undefined;
  };
}

/**
 * Reads the persistent id of a storage, `("storage", class, key, location, elements)`. The legacy stream appends a
 * view.
 * @throws {ModelError} `checkpoint/malformed`
 */
export function storageOf(where: string, id: PickleValue): TorchStorage {
  const parts = id instanceof PickleTuple ? id.items : [];
  const [kind, type, key, , count, view = null] = parts;
  const isStorage =
    kind === "storage" && type instanceof StorageType && typeof key === "string" && isSize(count);
  if (!isStorage) throw malformed(where, `the pickle refers to ${describeValue(kind)} instead of a storage`);
  if (view !== null)
    throw malformed(
      where,
      `the storage ${key} is a view of another one, which only PyTorch before 0.4 wrote`,
    );
  return new TorchStorage(key, type.dtype, count);
}

const isSize = (value: PickleValue | undefined): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

function torchCalls(where: string): ReadonlyMap<string, PickleCall> {
  const bad = (what: string, value?: PickleValue) =>
    malformed(
      where,
      `the pickle builds ${what}${value === undefined ? "" : ` from ${describeValue(value)}`}`,
    );

  const sizes = (value: PickleValue | undefined, what: string): number[] => {
    const items = value instanceof PickleTuple ? value.items : undefined;
    if (items === undefined || items.length > MAX_RANK || !items.every(isSize))
      throw bad(`a tensor whose ${what} is not a tuple of at most ${MAX_RANK} sizes`);
    return [...items];
  };

  const view = (args: readonly PickleValue[], charge: Charge, named?: PickleValue): TorchTensor => {
    const [storage, offset] = args;
    if (!(storage instanceof TorchStorage) || !isSize(offset)) throw bad("a tensor", storage);
    const dtype = named instanceof TorchDType ? named.label.slice("torch.".length) : storage.dtype;
    if (!isCheckpointDType(dtype)) throw unsupportedDType(where, "a tensor", dtype, [...KNOWN_DTYPES]);
    const shape = sizes(args[2], "shape");
    const strides = sizes(args[3], "list of strides");
    if (shape.length !== strides.length)
      throw bad(`a tensor of ${shape.length} sizes and ${strides.length} strides`);
    charge(shape.length + strides.length);
    return new TorchTensor(storage, dtype, offset, shape, strides);
  };

  const rebuild: PickleCall = (args, charge) => view(args, charge);
  // Arguments of v3: storage, offset, shape, strides, requires_grad, backward_hooks, dtype.
  const rebuildWithDType: PickleCall = (args, charge) => {
    if (!(args[6] instanceof TorchDType)) throw bad("a tensor without a dtype", args[6]);
    return view(args, charge, args[6]);
  };
  const parameter: PickleCall = ([data]) => {
    if (!(data instanceof TorchTensor)) throw bad("a parameter", data);
    return data;
  };
  const withAttributes: PickleCall = ([function_, , args], charge) => {
    const isRebuild = function_ instanceof PickleGlobal && REBUILDS.has(function_.label);
    if (!isRebuild || !(args instanceof PickleTuple) || function_.call === undefined)
      throw bad("a tensor with attributes", function_);
    return function_.call(args.items, charge);
  };
  const opaque =
    (label: string): PickleCall =>
    () =>
      new PickleObject(label);

  const empty =
    (make: () => PickleValue, what: string): PickleCall =>
    (args) => {
      if (args.length > 0) throw bad(what, args[0]);
      return make();
    };
  const counter: PickleCall = ([counts], charge) => {
    if (!(counts instanceof PickleDict)) throw bad("a Counter", counts);
    charge(counts.entries.size);
    const result = new PickleDict(true);
    for (const [key, count] of counts.entries) result.entries.set(key, count);
    return result;
  };
  const set: PickleCall = ([list], charge) => {
    if (!(list instanceof PickleList)) throw bad("a set", list);
    charge(list.items.length);
    return new PickleSet([...list.items]);
  };
  const size: PickleCall = ([tuple], charge) => {
    const items = sizes(tuple, "size");
    charge(items.length);
    return new PickleTuple(items);
  };
  // Protocol 2 writes bytes as text, one character per byte.
  const encode: PickleCall = ([text, encoding], charge) => {
    if (typeof text !== "string" || encoding !== "latin1") throw bad("bytes", text);
    charge(text.length);
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  };

  return new Map<string, PickleCall>([
    ["torch._utils._rebuild_tensor", rebuild],
    ["torch._utils._rebuild_tensor_v2", rebuild],
    ["torch._utils._rebuild_tensor_v3", rebuildWithDType],
    ["torch._utils._rebuild_parameter", parameter],
    ["torch._utils._rebuild_parameter_with_state", parameter],
    ["torch._tensor._rebuild_from_type_v2", withAttributes],
    ["torch.Size", size],
    ["torch.device", opaque("a device")],
    ["torch.serialization._get_layout", opaque("a layout")],
    ["collections.OrderedDict", empty(() => new PickleDict(true), "an OrderedDict")],
    ["collections.Counter", counter],
    ["builtins.set", set],
    ["builtins.frozenset", set],
    ["__builtin__.set", set],
    ["__builtin__.frozenset", set],
    ["_codecs.encode", encode],
  ]);
}

const REBUILDS: ReadonlySet<string> = new Set([
  "torch._utils._rebuild_tensor",
  "torch._utils._rebuild_tensor_v2",
  "torch._utils._rebuild_tensor_v3",
]);

const isCheckpointDType = (name: string): name is CheckpointDType => KNOWN_DTYPES.has(name);
