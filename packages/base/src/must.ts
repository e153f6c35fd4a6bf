// Checked list access. A default such as `?? 0` would hide a wrong index; these functions throw. Lint reports such
// defaults.

/**
 * The list's element at an index that must exist.
 * @param what the kind of element, for the message
 * @throws {RangeError} if the index is outside the list: a bug in this package, never in the caller's code
 */
export function must<T>(list: ArrayLike<T>, index: number, what = "element"): T {
  if (!Number.isInteger(index) || index < 0 || index >= list.length) {
    throw new RangeError(`${what}: expected an index from 0 to ${list.length - 1}, got ${index}.`);
  }
  return list[index] as T;
}

/**
 * The last element of a list that must not be empty.
 * @param what the kind of element, for the message
 * @throws {RangeError} if the list is empty
 */
export const last = <T>(list: ArrayLike<T>, what?: string): T => must(list, list.length - 1, what);

type AtLeast<T, Count extends number, Known extends readonly T[] = []> = Known["length"] extends Count
  ? readonly [...Known, ...T[]]
  : AtLeast<T, Count, readonly [...Known, T]>;

/**
 * The list itself, typed with at least `count` elements: `const [rows, columns] = atLeast(shape, 2)`.
 * @param what the kind of element, for the message
 * @throws {RangeError} if the list has fewer: a bug in this package, never in the caller's code
 */
export function atLeast<T, Count extends number>(
  list: readonly T[],
  count: Count,
  what = "element",
): AtLeast<T, Count> {
  if (list.length < count)
    throw new RangeError(`${what}: expected at least ${count} of them, got ${list.length}.`);
  return list as AtLeast<T, Count>;
}

/**
 * Reports a wrong index in loops over millions of elements, where a call per element is too slow. `bytes[index] ??
 * missed("byte")` costs no more than a default.
 * @param what the kind of element, for the message
 * @throws {RangeError} always: the index is outside the list, a bug in this package
 */
export function missed(what: string): never {
  throw new RangeError(`${what}: expected an index within the list.`);
}
