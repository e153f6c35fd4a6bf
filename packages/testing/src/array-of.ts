/** Collects all items of an async iterable (`Array.fromAsync` of Node 22). */
export async function arrayOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
