// Writes whole checkpoints for tests: safetensors, torch.save's zip archive, and its older stream.
import * as p from "./pickle-bytes.ts";
import { zipOf, type TestMember, type ZipOptions } from "./zip-bytes.ts";

/** A safetensors file from a header (an object, text, or bytes) and data. */
export function safetensorsOf(
  header: unknown,
  data: Uint8Array = new Uint8Array(0),
): Uint8Array<ArrayBuffer> {
  const encode = (text: string) => new TextEncoder().encode(text);
  const text =
    header instanceof Uint8Array
      ? header
      : encode(typeof header === "string" ? header : JSON.stringify(header));
  return Uint8Array.from([...p.littleEndian(text.length, 8), ...text, ...data]);
}

/** A float32 tensor of a state dict. Strides, offset and storage are given only if they matter. */
export interface TestTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
  readonly storageOffset?: number;
  /** The key of the storage. Default: the tensor's name. */
  readonly storage?: string;
  readonly storageClass?: string;
}

/** The elements of each storage, by key. */
export type TestStorages = Readonly<Record<string, readonly number[]>>;

const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));

const sizes = (items: readonly number[]) => p.tuple(...items.map(p.int));

export const floats = (values: readonly number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);

/** The pickle of one tensor, as `_rebuild_tensor_v2` writes it. `legacy` appends the storage's view, None. */
export function tensorPickle(tensor: TestTensor, storages: TestStorages, legacy = false): p.Bytes {
  const key = tensor.storage ?? tensor.name;
  const id = [
    p.text("storage"),
    p.global("torch", tensor.storageClass ?? "FloatStorage"),
    p.text(key),
    p.text("cpu"),
    p.int(storages[key]?.length ?? 0),
    ...(legacy ? [p.none] : []),
  ];
  return p.reduce(
    p.global("torch._utils", "_rebuild_tensor_v2"),
    p.persistent(p.tuple(...id)),
    p.int(tensor.storageOffset ?? 0),
    sizes(tensor.shape),
    sizes(tensor.strides ?? rowMajor(tensor.shape)),
    p.bool(false),
    p.reduce(p.global("collections", "OrderedDict")),
  );
}

export const stateDict = (tensors: readonly TestTensor[], storages: TestStorages, legacy = false): p.Bytes =>
  p.dict(...tensors.map((tensor) => [p.text(tensor.name), tensorPickle(tensor, storages, legacy)] as const));

export interface TorchZipOptions extends ZipOptions {
  readonly prefix?: string;
  readonly byteorder?: string;
  readonly extra?: readonly TestMember[];
  /** Changes the pickle before it is packed. */
  readonly damage?: (pickle: Uint8Array) => Uint8Array;
}

/** torch.save's archive around the pickle of `root`. */
export function torchZipOf(
  root: p.Bytes,
  storages: TestStorages = {},
  options: TorchZipOptions = {},
): Uint8Array<ArrayBuffer> {
  const prefix = options.prefix ?? "archive/";
  const bytes = (text: string) => new TextEncoder().encode(text);
  const damage = options.damage ?? ((pickle) => pickle);
  return zipOf(
    [
      { name: `${prefix}data.pkl`, data: damage(p.pickle(root)) },
      { name: `${prefix}byteorder`, data: bytes(options.byteorder ?? "little") },
      ...Object.entries(storages).map(([key, values]) => ({
        name: `${prefix}data/${key}`,
        data: floats(values),
        padding: 11,
      })),
      { name: `${prefix}version`, data: bytes("3\n") },
      ...(options.extra ?? []),
    ],
    options,
  );
}

export interface LegacyOptions {
  readonly magic?: bigint;
  readonly littleEndian?: boolean;
  readonly keys?: readonly string[];
}

/** The stream that torch.save wrote before the archive. `root` comes from `stateDict(..., true)`. */
export function torchLegacyOf(
  root: p.Bytes,
  storages: TestStorages = {},
  options: LegacyOptions = {},
): Uint8Array<ArrayBuffer> {
  const keys = options.keys ?? Object.keys(storages);
  const system = p.dict(
    [p.text("protocol_version"), p.int(1001)],
    [p.text("little_endian"), p.bool(options.littleEndian ?? true)],
    [p.text("type_sizes"), p.dict([p.text("int"), p.int(4)])],
  );
  return Uint8Array.from([
    ...p.pickle(p.int(options.magic ?? 0x1950a86a20f9469cfc6cn)),
    ...p.pickle(p.int(1001)),
    ...p.pickle(system),
    ...p.pickle(root),
    ...p.pickle(p.list(...keys.map(p.text))),
    ...keys.flatMap((key) => {
      const values = storages[key] ?? [];
      return [...p.littleEndian(values.length, 8), ...floats(values)];
    }),
  ]);
}
