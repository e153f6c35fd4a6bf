// Addresses in every form that they can be written in, and host names.
import { describe, expect, test } from "vitest";
import { addressKind, mayRedirect, worstKind, type AddressKind } from "./address-kind.ts";

const forms: readonly (readonly [AddressKind, readonly string[]])[] = [
  [
    "public",
    ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "192.169.0.1", "100.128.0.1", "11.0.0.1"],
  ],
  ["public", ["126.255.255.255", "128.0.0.1", "169.253.0.1", "223.255.255.255", "134744072", "0x08080808"]],
  [
    "public",
    ["huggingface.co", "localhost.example.com", "example.com.", "127.0.0.1.example.com", "internal.org"],
  ],
  ["public", ["2606:4700:4700::1111", "[2a00:1450:4001:81b::200e]", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]],
  ["public", ["2002:808:808::1", "2001:4860:4860::8888"]],
  // Loopback: dotted, whole, octal, hexadecimal, short, mixed, full-width, escaped, with a trailing dot.
  [
    "private",
    ["127.0.0.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f000001", "0x7f.1", "127.1", "127.0.1"],
  ],
  [
    "private",
    ["127.0.0.1.", "127.255.255.254", "１２７.０.０.１", "127。0。0。1", "%31%32%37.0.0.1", "①②⑦.0.0.1"],
  ],
  [
    "private",
    ["10.0.0.1", "10.255.255.255", "0xa000001", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257"],
  ],
  ["private", ["100.64.0.1", "198.18.0.1"]],
  [
    "private",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "printer", "nas.local", "db.internal", "x.lan"],
  ],
  ["private", ["router.home.arpa", "ip6-localhost", "localhost.localdomain"]],
  [
    "private",
    [
      "::1",
      "[::1]",
      "0:0:0:0:0:0:0:1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::127.0.0.1",
      "::ffff:10.0.0.1",
    ],
  ],
  [
    "private",
    [
      "::ffff:0:127.0.0.1",
      "64:ff9b::127.0.0.1",
      "2002:7f00:1::",
      "2002:c0a8:101::1",
      "fc00::1",
      "fd12:3456::1",
    ],
  ],
  ["private", ["fec0::1", "2606:4700::5efe:7f00:1", "64:ff9b:1::1"]],
  // Cloud metadata, link-local, multicast, documentation, unspecified.
  [
    "reserved",
    ["169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.1.1", "100.100.100.200"],
  ],
  [
    "reserved",
    [
      "168.63.129.16",
      "metadata.google.internal",
      "metadata",
      "instance-data",
      "fd00:ec2::254",
      "fd20:ce::254",
    ],
  ],
  ["reserved", ["fe80::1", "[fe80::1%25eth0]", "fe80::1%eth0", "::ffff:169.254.169.254", "2002:a9fe:a9fe::"]],
  [
    "reserved",
    ["0.0.0.0", "0", "0x0", "::", "[::]", "::ffff:0.0.0.0", "224.0.0.1", "239.1.1.1", "255.255.255.255"],
  ],
  [
    "reserved",
    ["240.0.0.1", "ff02::1", "2001:db8::1", "2001::1", "100::1", "3fff::1", "192.0.2.1", "203.0.113.9"],
  ],
  ["reserved", ["", " ", "256.1.1.1", "1.2.3.4.5", "::g", "1:2:3", "a b", "a/b@c", "."]],
];

describe("addressKind", () => {
  test.each(forms.flatMap(([kind, hosts]) => hosts.map((host) => ({ host, kind }))))(
    "$host is $kind",
    ({ host, kind }) => {
      expect(addressKind(host)).toBe(kind);
    },
  );
});

test("the worst of several addresses counts", () => {
  expect(worstKind(["public", "private"])).toBe("private");
  expect(worstKind(["private", "reserved", "public"])).toBe("reserved");
  expect(worstKind(["public"])).toBe("public");
});

test("a redirect may lead to public addresses, or stay within the own network, but never to reserved ones", () => {
  const kinds = ["public", "private", "reserved"] as const;
  const allowed = kinds.flatMap((from) =>
    kinds.filter((to) => mayRedirect(from, to)).map((to) => `${from} to ${to}`),
  );
  expect(allowed).toEqual([
    "public to public",
    "private to public",
    "private to private",
    "reserved to public",
  ]);
});
