// The kind of network that a host address leads to: public, private or reserved. The ranges come from the IANA
// registries of special-purpose addresses (RFC 6890). The list adds the addresses at which clouds serve credentials to
// their machines.
import { atLeast, must } from "./must.ts";

/**
 * The kind of a network address.
 * - `public`: the public Internet.
 * - `private`: this machine, or a network that the public Internet does not reach.
 * - `reserved`: link-local addresses (clouds serve credentials there), multicast groups, documentation ranges, 0.0.0.0,
 *   and text that is not an address.
 */
export type AddressKind = "public" | "private" | "reserved";

type Range4 = readonly [first: string, bits: number, kind: AddressKind];

/** Narrower ranges come first. */
const ranges4: readonly Range4[] = [
  // Metadata servers of Alibaba, Oracle and Azure. They lie within ranges of other kinds.
  ["100.100.100.200", 32, "reserved"],
  ["192.0.0.192", 32, "reserved"],
  ["168.63.129.16", 32, "reserved"],
  ["0.0.0.0", 8, "reserved"],
  ["10.0.0.0", 8, "private"],
  ["100.64.0.0", 10, "private"],
  ["127.0.0.0", 8, "private"],
  ["169.254.0.0", 16, "reserved"],
  ["172.16.0.0", 12, "private"],
  ["192.0.0.0", 24, "private"],
  ["192.0.2.0", 24, "reserved"],
  ["192.88.99.0", 24, "reserved"],
  ["192.168.0.0", 16, "private"],
  ["198.18.0.0", 15, "private"],
  ["198.51.100.0", 24, "reserved"],
  ["203.0.113.0", 24, "reserved"],
  ["224.0.0.0", 3, "reserved"],
];

const number4 = (text: string): number => text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

const isWithin = (address: number, first: string, bits: number): boolean =>
  Math.floor(address / 2 ** (32 - bits)) === Math.floor(number4(first) / 2 ** (32 - bits));

const kindOf4 = (address: number): AddressKind =>
  ranges4.find(([first, bits]) => isWithin(address, first, bits))?.[2] ?? "public";

/** The eight numbers of an IPv6 address in the form that URL writes. */
function groupsOf(text: string): readonly number[] {
  const [head, tail] = atLeast(text.split("::"), 1);
  const numbers = (part: string) =>
    part
      .split(":")
      .filter(Boolean)
      .map((group) => parseInt(group, 16));
  if (tail === undefined) return numbers(head);
  const [before, after] = [numbers(head), numbers(tail)];
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** The kind of the IPv4 address that an IPv6 address contains from group `at` on. */
const embedded = (groups: readonly number[], at: number): AddressKind =>
  kindOf4(must(groups, at) * 65_536 + must(groups, at + 1));

const beginsWith = (groups: readonly number[], ...first: readonly number[]): boolean =>
  first.every((group, index) => must(groups, index) === group);

/** The kind of the IPv4 address that an IPv6 address carries; undefined if it carries none. */
function carried4(groups: readonly number[]): AddressKind | undefined {
  // Mapped (::ffff:0:0/96), translated (::ffff:0:0:0/96, 64:ff9b::/96) and the old compatible form (::/96).
  if (beginsWith(groups, 0, 0, 0, 0, 0, 0xffff)) return embedded(groups, 6);
  if (beginsWith(groups, 0, 0, 0, 0, 0xffff, 0)) return embedded(groups, 6);
  if (beginsWith(groups, 0x64, 0xff9b, 0, 0, 0, 0)) return embedded(groups, 6);
  if (beginsWith(groups, 0, 0, 0, 0, 0, 0)) return embedded(groups, 6);
  // 6to4 and ISATAP.
  if (beginsWith(groups, 0x2002)) return embedded(groups, 1);
  const isIsatap = (must(groups, 4) & 0xfdff) === 0 && must(groups, 5) === 0x5efe;
  return isIsatap ? embedded(groups, 6) : undefined;
}

function kindOf6(text: string): AddressKind {
  const groups = groupsOf(text);
  if (groups.length !== 8) return "reserved";
  if (beginsWith(groups, 0, 0, 0, 0, 0, 0, 0)) return must(groups, 7) === 1 ? "private" : "reserved";
  const of4 = carried4(groups);
  if (of4) return of4;
  const first = must(groups, 0);
  // Metadata servers of AWS and Google.
  if (beginsWith(groups, 0xfd00, 0xec2) || beginsWith(groups, 0xfd20, 0xce)) return "reserved";
  // Unique local (fc00::/7) and the old site-local (fec0::/10).
  if ((first & 0xfe00) === 0xfc00 || (first & 0xffc0) === 0xfec0) return "private";
  if (beginsWith(groups, 0x64, 0xff9b, 1)) return "private";
  // Teredo, ORCHID, documentation.
  const second = must(groups, 1);
  if (first === 0x2001 && (second === 0 || (second & 0xffe0) === 0 || second === 0xdb8)) return "reserved";
  if (first === 0x3fff && second < 0x1000) return "reserved";
  return (first & 0xe000) === 0x2000 ? "public" : "reserved";
}

/** Names that no public server has. */
const privateEnding =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|corp|home|lan|private|home\.arpa)$/;
const metadataName = /^(?:metadata|metadata\.goog|metadata\.google\.internal|instance-data(?:\..*)?)$/;

function kindOfName(name: string): AddressKind {
  if (metadataName.test(name)) return "reserved";
  // A name without a dot belongs to the local network.
  return !name.includes(".") || privateEnding.test(name) ? "private" : "public";
}

/**
 * The kind of a host, from its name alone: the function makes no network request. If a name seems public, the caller
 * must also check the addresses that it resolves to.
 * @param host a name; an IPv4 address in any form that `inet_aton` accepts (decimal, octal, hexadecimal, fewer parts);
 * or an IPv6 address, with or without brackets and zone
 */
export function addressKind(host: string): AddressKind {
  const plain = host.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  // The text is more than a host: URL would use only a part of it.
  if (/[\s/\\?#@]/.test(plain)) return "reserved";
  let normal: string;
  try {
    // URL normalizes the host as fetch does: digits of other alphabets, escapes and short forms become one form.
    normal = new URL(`http://${plain.includes(":") ? `[${plain}]` : host}/`).hostname;
  } catch {
    return "reserved";
  }
  if (normal.startsWith("[")) return kindOf6(normal.slice(1, -1));
  const name = normal.replace(/\.+$/, "");
  if (name === "") return "reserved";
  return /^\d+(?:\.\d+){3}$/.test(name) ? kindOf4(number4(name)) : kindOfName(name);
}

/** The kind of a host that resolves to several addresses: the most dangerous of their kinds. */
export const worstKind = (kinds: readonly AddressKind[]): AddressKind =>
  (["reserved", "private"] as const).find((kind) => kinds.includes(kind)) ?? "public";

/**
 * Whether a server of kind `from` may redirect a client to kind `to`. Redirects within a private network are allowed.
 */
export const mayRedirect = (from: AddressKind, to: AddressKind): boolean =>
  to === "public" || (to === "private" && from === "private");
