// Sends one request: by Node's own fetch, or by undici's through a proxy or to checked addresses. Node's fetch supports
// neither before version 24; undici is loaded on demand.
import type { LookupFunction } from "node:net";
import type { Agent, ProxyAgent } from "undici";
import { failureOf, NetworkFailure } from "./failure.ts";
import { proxyFor, type Environment } from "./proxy.ts";

/** The parts of an answer that are read. */
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
  /** Connects only to these addresses, even if the host's name resolves differently by then. */
  readonly addresses?: readonly string[] | undefined;
}

/** The checked addresses of each host. Connections must use one of these addresses. */
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
/** Agents by the proxy's address. */
const proxies = new Map<string, ProxyAgent>();

async function throughProxy(url: URL, proxy: string, init: RequestInit): Promise<Answer> {
  const { fetch: undiciFetch, ProxyAgent } = await import("undici");
  let agent = proxies.get(proxy);
  if (!agent) {
    // For http addresses, send the request to the proxy without a tunnel, which every proxy supports.
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

/** The options that the types of both libraries have. */
const plainInit = ({ method, headers, signal, redirect }: RequestInit) => ({
  ...(method === undefined ? {} : { method }),
  ...(redirect === undefined ? {} : { redirect }),
  ...(signal ? { signal } : {}),
  headers: Object.fromEntries(new Headers(headers)),
});

/**
 * Sends one request and follows no redirect.
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
