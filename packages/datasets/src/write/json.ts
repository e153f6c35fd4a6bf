// Writes a record of any reader as a line of JSON.

/** Whether a value is an image in the layout of the Hub's tables: bytes with a path, either of which may be missing. */
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

/** The bytes per call; more arguments would overflow the stack. */
const someBytes = 0x8000;

/** Encodes bytes as Base64. */
export function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += someBytes)
    text += String.fromCharCode(...bytes.subarray(at, at + someBytes));
  return btoa(text);
}

/**
 * Converts a value for JSON: integers that JSON cannot represent become text, times become ISO 8601, bytes become
 * Base64.
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

/** A record as a line, including the line end. */
export const jsonLine = (record: Readonly<Record<string, unknown>>): string =>
  `${JSON.stringify(plainValue(record))}\n`;
