/**
 * The element of a list at an index that must be in it.
 * @param what what the list holds, for the message
 * @throws {RangeError} if the index is outside the list: a fault of this package, never of its caller
 */
export function must<T>(list: ArrayLike<T>, index: number, what = "element"): T {
  if (!Number.isInteger(index) || index < 0 || index >= list.length) {
    throw new RangeError(`${what}: expected an index from 0 to ${list.length - 1}, got ${index}.`);
  }
  return list[index] as T;
}
