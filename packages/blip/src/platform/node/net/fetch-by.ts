// One request, by the way that it has to take: Node's own fetch, or undici's through a proxy or to an address that was
// looked at before. Node's has no way to say either before version 24; undici is loaded when it is needed.
import type { LookupFunction } from "node:net";
import type { Agent, ProxyAgent } from "undici";
import { failureOf, NetworkFailure } from "./failure.ts";
import { proxyFor, type Environment } from "./proxy.ts";

/** What is read of an answer. */
export interface Answer {
  readonly status: number;
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: Body | null;
}

interface Body {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
    cancel(): Promise<void>;
  };
  cancel(): Promise<void>;
}

export interface FetchOptions {
  readonly method: "GET" | "HEAD";
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly env: Environment;
  /** Connects to these alone, whatever the host's name stands for by then. */
  readonly addresses?: readonly string[] | undefined;
}

/** Addresses by host, for connections that must lead to what was looked at. */
const pinned = new Map<string, readonly string[]>();

const pinnedLookup: LookupFunction = (host, options, callback) => {
  const list = (pinned.get(host) ?? []).map((address) => ({
    address,
    family: address.includes(":") ? 6 : 4,
  }));
  const [first] = list;
  if (!first) callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), "", 4);
  else if (options.all) callback(null, list);
  else callback(null, first.address, first.family);
};

let direct: Agent | undefined;
/** By address. */
const proxies = new Map<string, ProxyAgent>();

async function throughProxy(url: URL, proxy: string, init: RequestInit): Promise<Answer> {
  const { fetch: undiciFetch, ProxyAgent } = await import("undici");
  let agent = proxies.get(proxy);
  if (!agent) {
    // An http address is asked of the proxy itself, without a tunnel, as every proxy knows it.
    agent = new ProxyAgent({ uri: proxy, proxyTunnel: false });
    proxies.set(proxy, agent);
  }
  return undiciFetch(url.href, { ...plainInit(init), dispatcher: agent });
}

async function toAddresses(url: URL, addresses: readonly string[], init: RequestInit): Promise<Answer> {
  const { fetch: undiciFetch, Agent } = await import("undici");
  pinned.set(url.hostname, addresses);
  direct ??= new Agent({ connect: { lookup: pinnedLookup } });
  return undiciFetch(url.href, { ...plainInit(init), dispatcher: direct });
}

/** Of the two libraries' types of the same thing, what both know. */
const plainInit = ({ method, headers, signal, redirect }: RequestInit) => ({
  ...(method === undefined ? {} : { method }),
  ...(redirect === undefined ? {} : { redirect }),
  ...(signal ? { signal } : {}),
  headers: Object.fromEntries(new Headers(headers)),
});

/**
 * Asks once, and follows no redirect.
 * @throws {NetworkFailure} @throws {UsageError} `network/bad-proxy`
 */
export async function fetchBy(url: URL, options: FetchOptions): Promise<Answer> {
  const { method, headers, signal, env, addresses } = options;
  const proxy = proxyFor(url, env);
  const init: RequestInit = { method, headers, signal, redirect: "manual" };
  try {
    if (proxy) return await throughProxy(url, proxy.url, init);
    if (addresses) return await toAddresses(url, addresses, init);
    return await fetch(url, init);
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureOf(error);
    if (!proxy) throw failure;
    throw new NetworkFailure(`through the proxy of ${proxy.variable}: ${failure.message}`, {
      cause: error,
      isFinal: failure.isFinal,
    });
  }
}
