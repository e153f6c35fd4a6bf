// The identity of training data: a resumed run compares it with that of its beginning. Where the data lies does not
// affect it.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Dataset, DatasetPart, Task } from "@blip-ts/datasets";

/** Identifies training data by its content. */
export interface DataIdentity {
  /** The container and the form of the data, such as `json, karpathy`. */
  readonly form: string;
  /**
   * SHA-256 in hexadecimal digits. A list: of its rows in order, with the paths of images as written in the data.
   * Shards, and tables with images: of the names and sizes of their files.
   */
  readonly sha256: string;
}

type Form = Pick<Dataset<Task>, "container" | "format">;

const formOf = ({ container, format }: Form): string => `${container}, ${format}`;

/** Hashes the rows of a list. */
export class RowsIdentity {
  readonly #hash = sha256.create();
  readonly #form: Form;

  constructor(form: Form) {
    this.#form = form;
  }

  /** Adds a row, without its place and the folder of its images. */
  add(example: object): void {
    const row = JSON.stringify(example, (key, value: unknown) => {
      if (key === "place" || key === "root") return undefined;
      return value instanceof Uint8Array ? value.length : value;
    });
    this.#hash.update(utf8ToBytes(`${row}\n`));
  }

  digest(): DataIdentity {
    return { form: formOf(this.#form), sha256: bytesToHex(this.#hash.digest()) };
  }
}

/** The identity of files that are read as a stream. */
export function filesIdentity(
  form: Form,
  parts: readonly Pick<DatasetPart<Task>, "name" | "size">[],
): DataIdentity {
  const files = parts.map(({ name, size }) => [name.replace(/^.*[/\\]/, ""), size ?? null]);
  return { form: formOf(form), sha256: bytesToHex(sha256(utf8ToBytes(JSON.stringify(files)))) };
}
