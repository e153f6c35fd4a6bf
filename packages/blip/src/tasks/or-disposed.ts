// What is made of a resource owns it; where the making fails, nobody does.

const isDisposable = (value: unknown): value is AsyncDisposable =>
  typeof value === "object" && value !== null && Symbol.asyncDispose in value;

/**
 * What `make` makes of a resource, which is disposed of where that fails.
 * @param signal where it was aborted meanwhile, what was made is disposed of as well
 * @throws the signal's reason
 */
export async function orDisposed<T>(
  resource: AsyncDisposable,
  make: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let owner = resource;
  try {
    const made = await make();
    if (isDisposable(made)) owner = made;
    signal?.throwIfAborted();
    return made;
  } catch (error) {
    try {
      await owner[Symbol.asyncDispose]();
    } catch {
      // The first failure is the one to report.
    }
    throw error;
  }
}
