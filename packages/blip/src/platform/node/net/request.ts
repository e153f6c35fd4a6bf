// Sends a request and follows its redirects. Limits the time to the headers, and decides which server gets credentials.
import { discard } from "./body.ts";
import { NetworkFailure, RefusedRedirect } from "./failure.ts";
import { fetchBy, type Answer } from "./fetch-by.ts";
import { maxRedirects, usualLimits, type NetworkLimits } from "./limits.ts";
import type { Environment } from "./proxy.ts";
import { hopOf, type Hop, type RedirectOptions } from "./redirects.ts";
import { withoutCredentials } from "./credentials.ts";

export interface RequestOptions {
  readonly method?: "GET" | "HEAD" | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Credentials, and the only origin that receives them. */
  readonly authorization?: { readonly origin: string; readonly value: string } | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly env?: Environment | undefined;
  readonly allowPrivateRedirects?: boolean | undefined;
  readonly resolve?: RedirectOptions["resolve"];
  readonly limits?: NetworkLimits | undefined;
}

/** An answer and the request target that gave it. */
export interface Answered {
  readonly answer: Answer;
  readonly hop: Hop;
}

/** The redirect options of a request. */
export const redirectOptions = (options: RequestOptions): RedirectOptions => ({
  env: options.env ?? process.env,
  allowPrivate: options.allowPrivateRedirects === true,
  resolve: options.resolve,
});

/**
 * Sends one request. Returns a redirect like any other answer.
 * @throws {NetworkFailure} @throws {UsageError} `network/bad-proxy` @throws the signal's reason
 */
export async function ask(hop: Hop, options: RequestOptions): Promise<Answer> {
  const { signal, authorization, limits = usualLimits, env = process.env } = options;
  const own = withoutCredentials(hop.url);
  const headers: Record<string, string> = {
    "user-agent": "blip-ts",
    // Requests uncompressed bytes, because their number is compared with the announced size.
    "accept-encoding": "identity",
    ...options.headers,
  };
  if (own.authorization !== undefined) headers.authorization = own.authorization;
  if (own.url.origin === authorization?.origin) headers.authorization = authorization.value;
  const late = new AbortController();
  const timer = setTimeout(() => {
    late.abort(new NetworkFailure(`no answer within ${limits.head / 1000} seconds`));
  }, limits.head);
  try {
    return await fetchBy(own.url, {
      method: options.method ?? "GET",
      headers,
      env,
      signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal,
      addresses: hop.addresses,
    });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Sends a request and follows redirects.
 * @throws {NetworkFailure} @throws {RefusedRedirect} @throws {UsageError} `network/bad-proxy` @throws the signal's
 * reason
 */
export async function request(target: string | Hop, options: RequestOptions): Promise<Answered> {
  let hop = typeof target === "string" ? { url: new URL(target) } : target;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const answer = await ask(hop, options);
    const next = await nextHop(hop, answer, options);
    if (!next) return { answer, hop };
    hop = next;
  }
  throw new RefusedRedirect(`answers with more than ${maxRedirects} redirects`);
}

/** The next target of a redirect; the redirect's body is discarded. @throws {RefusedRedirect} */
export async function nextHop(hop: Hop, answer: Answer, options: RequestOptions): Promise<Hop | undefined> {
  try {
    const next = await hopOf(withoutCredentials(hop.url).url, answer, redirectOptions(options));
    if (next) discard(answer);
    return next;
  } catch (error) {
    discard(answer);
    throw error;
  }
}
