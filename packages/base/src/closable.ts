// What holds memory or threads until it is closed. Shipped code has no `using` declarations: compilers lower them to
// helpers that look for a symbol that the oldest supported browsers do not have.

/**
 * The key of the method that `await using` calls: the engine's own symbol. If the engine has none, it is the registered
 * symbol that the helpers of esbuild, Babel and Oxc look for.
 */
export const asyncDispose: typeof Symbol.asyncDispose =
  (Symbol as { readonly asyncDispose?: typeof Symbol.asyncDispose }).asyncDispose ??
  (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** What is to be closed when nobody needs it any more. */
export interface Closable {
  /** Frees what it holds. A second call does nothing more. */
  close(): Promise<void>;
  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void>;
}

/** The methods of what is closed by a function. */
export const closedBy = (close: () => Promise<void>): Closable => ({ close, [asyncDispose]: close });

/** What `closing` and `orClosed` need of a resource. */
type WithClose = Pick<Closable, "close">;

/**
 * Calls `use` with a resource and closes the resource, also if `use` fails.
 * @returns what `use` returns
 * @throws what `use` throws, or else what closing throws
 */
export async function closing<Resource extends WithClose, Result>(
  resource: Resource,
  use: (resource: Resource) => Promise<Result>,
): Promise<Result> {
  const result = await orClosed(resource, () => use(resource));
  await resource.close();
  return result;
}

const isClosable = (value: unknown): value is WithClose =>
  typeof value === "object" && value !== null && "close" in value && typeof value.close === "function";

/**
 * What `make` makes of a resource. The result owns the resource; if `make` fails, the resource is closed.
 * @param signal if it is aborted meanwhile, what was made is closed as well
 * @throws what `make` throws, or the signal's reason
 */
export async function orClosed<Result>(
  resource: WithClose,
  make: () => Promise<Result>,
  signal?: { throwIfAborted(): void },
): Promise<Result> {
  let owner = resource;
  try {
    const made = await make();
    if (isClosable(made)) owner = made;
    signal?.throwIfAborted();
    return made;
  } catch (error) {
    try {
      await owner.close();
    } catch {
      // The first failure is the one to report.
    }
    throw error;
  }
}
