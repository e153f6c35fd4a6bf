// Chooses a request's proxy from the environment, like curl and Python's requests: lower-case names take precedence,
// and NO_PROXY lists hosts that need no proxy.
import { BlockList, isIP } from "node:net";
import { badProxy } from "./errors.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Proxy {
  readonly url: string;
  /** The variable that holds the address. */
  readonly variable: string;
}

function valueOf(env: Environment, name: string): Proxy | undefined {
  for (const variable of [name.toLowerCase(), name]) {
    const url = env[variable]?.trim();
    if (url !== undefined && url !== "") return { url, variable };
  }
  return undefined;
}

const bareHost = (host: string) =>
  host
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();

/** Whether an entry such as 10.0.0.0/8 contains an address. */
function isInSubnet(host: string, entry: string): boolean {
  const [, net, bits] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (net === undefined || bits === undefined) return false;
  const family = isIP(net);
  if (family === 0 || isIP(host) !== family) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(net, Number(bits), type);
  return list.check(host, type);
}

const portOf = (url: URL): string => url.port || (url.protocol === "https:" ? "443" : "80");

/** Whether an entry of NO_PROXY matches this address. A name also matches its subdomains. */
function isMeant(url: URL, entry: string): boolean {
  if (entry === "*") return true;
  const host = bareHost(url.hostname);
  if (entry.includes("/")) return isInSubnet(host, entry);
  const isAddress6 = isIP(bareHost(entry)) === 6;
  const withPort = isAddress6 ? null : /^(.*):(\d+)$/.exec(entry);
  const [, named = entry, port] = withPort ?? [];
  if (port !== undefined && port !== portOf(url)) return false;
  const name = bareHost(named).replace(/^\*?\./, "");
  return host === name || (name !== "" && isIP(host) === 0 && host.endsWith(`.${name}`));
}

/**
 * @returns the proxy; undefined if the address needs no proxy
 * @throws {UsageError} `network/bad-proxy`
 */
export function proxyFor(url: URL, env: Environment): Proxy | undefined {
  const proxy =
    valueOf(env, url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? valueOf(env, "ALL_PROXY");
  if (!proxy) return undefined;
  const entries = (valueOf(env, "NO_PROXY")?.url ?? "").split(/[\s,]+/).filter(Boolean);
  if (entries.some((entry) => isMeant(url, entry))) return undefined;
  // curl reads HOST:PORT as an http address.
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(proxy.url) ? proxy.url : `http://${proxy.url}`;
  let parsed: URL;
  try {
    parsed = new URL(text);
  } catch {
    throw badProxy(proxy.variable, "something else");
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:")
    throw badProxy(proxy.variable, `a ${parsed.protocol}// address`);
  return { url: parsed.href, variable: proxy.variable };
}
