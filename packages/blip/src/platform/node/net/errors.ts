// Errors of network settings. Codes are `network/...`.
import { UsageError } from "@blip-ts/base";

/**
 * A variable such as HTTPS_PROXY does not hold the address of a proxy.
 * @remedy Set it to an http:// or https:// address, or unset it.
 */
export const badProxy = (variable: string, got: string): UsageError =>
  new UsageError(
    "network/bad-proxy",
    `${variable}: expected the http:// or https:// address of a proxy, got ${got}. Set it to one, or unset it.`,
    { variable },
  );
