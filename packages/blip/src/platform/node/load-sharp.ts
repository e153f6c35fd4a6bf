// sharp, loaded at once and waited for when it is needed: if its native library cannot be loaded, calls that decode say what
// to do, and everything else goes on.
import { cannotLoad } from "@blip-ts/engine/node";

type Sharp = typeof import("sharp").default;

/**
 * sharp, or what to do without.
 * @param loading its module
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
