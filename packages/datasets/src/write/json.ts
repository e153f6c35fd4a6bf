// A record as a line of JSON, whatever a reader put into it.

/** Bytes that stand beside an image's path in a table of the Hub. */
export const isImageStruct = (
  value: unknown,
): value is { readonly bytes?: Uint8Array | null; readonly path?: string | null } => {
  if (typeof value !== "object" || value === null) return false;
  const keys = Object.keys(value);
  if (keys.length === 0 || !keys.every((key) => key === "bytes" || key === "path")) return false;
  const { bytes, path } = value as { readonly bytes?: unknown; readonly path?: unknown };
  const isBytes = bytes instanceof Uint8Array;
  return (
    (isBytes || bytes == null) && (typeof path === "string" || path == null) && (isBytes || path != null)
  );
};

/** Characters of one call; more overflow the stack of arguments. */
const someBytes = 0x8000;

/** Bytes as Base64. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += someBytes)
    text += String.fromCharCode(...bytes.subarray(at, at + someBytes));
  return btoa(text);
}

/**
 * A value as JSON has it: whole numbers that JSON does not keep as text, times as ISO 8601, bytes as Base64.
 */
export function plainValue(value: unknown): unknown {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return base64(value);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as Iterable<unknown>, plainValue);
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, own]) => [name, plainValue(own)]));
  return value;
}

/** A record as a line, with its end. */
export const jsonLine = (record: Readonly<Record<string, unknown>>): string =>
  `${JSON.stringify(plainValue(record))}\n`;
