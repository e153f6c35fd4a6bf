// Objects that hold memory or threads until they are closed. Shipped code has no `using` declarations: compilers lower
// them to helpers that need a symbol missing in the oldest supported browsers.

/**
 * The key of the method that `await using` calls: the JavaScript engine's own symbol. If the engine has none, it is the
 * registered symbol that the helpers of esbuild, Babel and Oxc use.
 */
export const asyncDispose: typeof Symbol.asyncDispose =
  (Symbol as { readonly asyncDispose?: typeof Symbol.asyncDispose }).asyncDispose ??
  (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** An object that its owner must close after use. */
export interface Closable {
  /** Frees the resources. Further calls do nothing. */
  close(): Promise<void>;
  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void>;
}

/** The methods of an object that a function closes. */
export const closedBy = (close: () => Promise<void>): Closable => ({ close, [asyncDispose]: close });

/** The part of a resource that `closing` and `orClosed` use. */
type WithClose = Pick<Closable, "close">;

/**
 * Calls `use` with a resource and closes the resource, also if `use` fails.
 * @returns the result of `use`
 * @throws the error of `use`, otherwise the error of closing
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
 * Calls `make`, whose result takes ownership of the resource. If `make` fails, the resource is closed.
 * @param signal if it is aborted in the meantime, the result is closed as well
 * @returns the result of `make`
 * @throws the error of `make`, or the signal's reason
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
