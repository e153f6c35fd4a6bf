// What is made of a resource owns it; where the making fails, nobody does.

/** What `make` makes of a resource, which is disposed of where that fails. */
export async function orDisposed<T>(resource: AsyncDisposable, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    try {
      await resource[Symbol.asyncDispose]();
    } catch {
      // The first failure is the one to report.
    }
    throw error;
  }
}
