// Loaded first (`node --import`, or as a page's first script): an engine as it was before explicit resource management.
// Node's own symbols cannot be deleted, so that another `Symbol` without them takes its place.
const Whole = globalThis.Symbol;
const hidden = new Set(["asyncDispose", "dispose"]);

/** @param {string | number} [description] */
function Without(description) {
  return Whole(description);
}
for (const key of Reflect.ownKeys(Whole))
  if (!hidden.has(/** @type {string} */ (key)))
    Object.defineProperty(Without, key, Object.getOwnPropertyDescriptor(Whole, key) ?? {});
globalThis.Symbol = /** @type {SymbolConstructor} */ (Without);
for (const name of ["SuppressedError", "DisposableStack", "AsyncDisposableStack"]) delete globalThis[name];
