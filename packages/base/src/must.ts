// Checked accesses to lists. A default such as `?? 0` would hide a wrong index; these throw. (Lint reports such defaults.)

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

/**
 * The last element of a list that must have one.
 * @param what what the list holds, for the message
 * @throws {RangeError} if the list is empty
 */
export const last = <T>(list: ArrayLike<T>, what?: string): T => must(list, list.length - 1, what);

type AtLeast<T, Count extends number, Known extends readonly T[] = []> = Known["length"] extends Count
  ? readonly [...Known, ...T[]]
  : AtLeast<T, Count, readonly [...Known, T]>;

/**
 * The list itself, of which so many elements are sure: `const [rows, columns] = atLeast(shape, 2)`.
 * @param what what the list holds, for the message
 * @throws {RangeError} if it has fewer: a fault of this package, never of its caller
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
 * For loops over millions of elements, in which a call per element costs time: `bytes[index] ?? missed("byte")` costs
 * what a default costs.
 * @param what what the list holds, for the message
 * @throws {RangeError} always: the index is outside the list, a fault of this package
 */
export function missed(what: string): never {
  throw new RangeError(`${what}: expected an index within the list.`);
}
