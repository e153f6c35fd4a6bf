// Starts loading sharp immediately and awaits it on demand. If its native library cannot be loaded, calls that decode
// throw an error with the remedy, and everything else still works.
import { cannotLoad } from "@blip-ts/engine/node";

type Sharp = typeof import("sharp").default;

/**
 * Returns sharp, or throws an error with the remedy.
 * @param loading the import of sharp's module
 * @throws {ModelError} `native/cannot-load`
 */
export async function orNoSharp(loading: Promise<{ readonly default: Sharp }>): Promise<Sharp> {
  try {
    return (await loading).default;
  } catch (cause) {
    throw cannotLoad("sharp", cause);
  }
}

const loading = orNoSharp(import("sharp"));
loading.catch(() => undefined);

/** @throws {ModelError} `native/cannot-load` */
export const loadSharp = (): Promise<Sharp> => loading;
