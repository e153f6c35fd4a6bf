// Preloaded with `node --import`, or as a page's first script: simulates an engine without explicit resource
// management. Node's own symbols cannot be deleted, so another `Symbol` without them replaces the global one.
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
