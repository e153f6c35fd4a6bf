// Decides which redirects may be followed. Otherwise anyone who can make this program follow a redirect could reach
// servers behind its firewall. An address typed by the caller is the caller's own responsibility.
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { addressKind, mayRedirect, worstKind, type AddressKind } from "@blip-ts/base";
import type { Answer } from "./fetch-by.ts";
import { failureOf, NetworkFailure, RefusedRedirect } from "./failure.ts";
import { proxyFor, type Environment } from "./proxy.ts";

export interface RedirectOptions {
  readonly env: Environment;
  /** Also follows redirects from public to private addresses. */
  readonly allowPrivate: boolean;
  /** Resolves a name to its addresses. Tests replace it. */
  readonly resolve?: ((host: string) => Promise<readonly string[]>) | undefined;
}

/** The target of a request or a redirect. */
export interface Hop {
  readonly url: URL;
  /** The checked addresses. The connection must use one of these addresses. */
  readonly addresses?: readonly string[] | undefined;
}

const resolveByDns = async (host: string): Promise<readonly string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address);

const isName = (url: URL) => isIP(url.hostname.replace(/^\[|\]$/g, "")) === 0;

/**
 * The addresses of a name; undefined if a proxy resolves names itself.
 * @throws {NetworkFailure} if the name cannot be resolved now, because a later lookup must not find other addresses
 */
async function addressesOf(
  url: URL,
  { env, resolve = resolveByDns }: RedirectOptions,
): Promise<readonly string[] | undefined> {
  if (!isName(url) || proxyFor(url, env)) return undefined;
  try {
    const addresses = await resolve(url.hostname);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    throw failureOf(error);
  }
  throw new NetworkFailure("there is no such host");
}

/** The kind of a redirecting server's address: private only if all of its addresses are private. */
async function kindOfSource(url: URL, options: RedirectOptions): Promise<AddressKind> {
  const kind = addressKind(url.hostname);
  if (kind !== "public") return kind;
  const addresses = await addressesOf(url, options).catch(() => undefined);
  return addresses?.every((address) => addressKind(address) === "private") === true ? "private" : "public";
}

/** @throws {RefusedRedirect} @throws {NetworkFailure} */
async function check(from: URL, to: URL, options: RedirectOptions): Promise<Hop> {
  if (!/^https?:$/.test(to.protocol))
    throw new RefusedRedirect(
      `redirects to ${/^[a-z]{1,12}:$/.test(to.protocol) ? to.protocol : "another protocol"}, which is not fetched`,
    );
  if (options.allowPrivate || to.host === from.host) return { url: to };
  const byName = addressKind(to.hostname);
  const addresses = byName === "public" ? await addressesOf(to, options) : undefined;
  const kind = worstKind([byName, ...(addresses ?? []).map(addressKind)]);
  if (kind === "public" || mayRedirect(await kindOfSource(from, options), kind))
    return { url: to, addresses };
  throw new RefusedRedirect(
    "redirects to a private address, which is not followed. Give that address itself, or set " +
      "allowPrivateRedirects if you trust the server",
    true,
  );
}

/**
 * The target of a redirect; undefined if the answer is not a redirect.
 * @throws {RefusedRedirect}
 */
export async function hopOf(
  from: URL,
  answer: Pick<Answer, "status" | "headers">,
  options: RedirectOptions,
): Promise<Hop | undefined> {
  const location = answer.headers.get("location");
  if (location === null || ![301, 302, 303, 307, 308].includes(answer.status)) return undefined;
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    throw new RefusedRedirect("redirects to an invalid address");
  }
  // Credentials that the redirecting server put into the address are not sent.
  to.username = "";
  to.password = "";
  return check(from, to, options);
}
