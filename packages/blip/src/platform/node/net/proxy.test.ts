// The proxy of a request, and the requests that a proxy on this machine receives.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { failureOf } from "@blip-ts/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchImage } from "../fetch-image.ts";
import { proxyFor } from "./proxy.ts";

const of = (address: string, env: Record<string, string>) => proxyFor(new URL(address), env)?.url;

describe("proxyFor", () => {
  const both = { HTTP_PROXY: "http://plain:1", HTTPS_PROXY: "http://secure:2" };

  test("takes the variable of the address's protocol, ALL_PROXY if there is none, and small letters first", () => {
    expect(of("http://example.com", both)).toBe("http://plain:1/");
    expect(of("https://example.com", both)).toBe("http://secure:2/");
    expect(of("https://example.com", { HTTP_PROXY: "http://plain:1" })).toBeUndefined();
    expect(of("https://example.com", { ALL_PROXY: "http://all:3" })).toBe("http://all:3/");
    expect(of("https://example.com", { ...both, https_proxy: "http://small:4" })).toBe("http://small:4/");
    expect(of("https://example.com", { HTTPS_PROXY: "host:8080" })).toBe("http://host:8080/");
    expect(of("https://example.com", { HTTPS_PROXY: " " })).toBeUndefined();
  });

  test.each([
    ["example.com", "https://example.com", true],
    ["example.com", "https://hub.example.com", true],
    [".example.com", "https://hub.example.com", true],
    ["*.example.com", "https://hub.example.com", true],
    ["example.com", "https://notexample.com", false],
    ["*", "https://anything", true],
    ["a, example.com ,b", "https://example.com", true],
    ["a example.com", "https://example.com", true],
    ["EXAMPLE.com", "https://example.COM", true],
    ["example.com:8443", "https://example.com:8443", true],
    ["example.com:8443", "https://example.com", false],
    ["example.com:443", "https://example.com", true],
    ["127.0.0.1", "http://127.0.0.1:80", true],
    ["10.0.0.0/8", "http://10.1.2.3", true],
    ["10.0.0.0/8", "http://11.1.2.3", false],
    ["10.0.0.0/99", "http://10.1.2.3", false],
    ["0.0.0.1", "http://10.0.0.1", false],
    ["[::1]", "http://[::1]:80", true],
    ["::1", "http://[::1]", true],
    ["fd00::/8", "http://[fd12::1]", true],
    ["", "https://example.com", false],
  ])("NO_PROXY=%j for %s: %s", (list, address, isDirect) => {
    expect(of(address, { ...both, NO_PROXY: list }) === undefined).toBe(isDirect);
  });

  test.each(["socks5://user:secret@host:1", "http://", "http://[", "ftp://host"])(
    "refuses %j, by the variable's name alone",
    async (url) => {
      const { code, message } = await failureOf(() => of("https://example.com", { HTTPS_PROXY: url }));
      expect(code).toBe("network/bad-proxy");
      expect(message).toMatch(/^HTTPS_PROXY: expected the http:/);
      expect(message).not.toMatch(/secret/);
    },
  );
});

describe("a request through a proxy", () => {
  let proxy: Server;
  let origin = "";
  let asked: string[] = [];
  beforeEach(async () => {
    asked = [];
    proxy = createServer((request: IncomingMessage, response) => {
      asked.push(
        `${request.method ?? ""} ${request.url ?? ""} ${request.headers["proxy-authorization"] ?? ""}`.trim(),
      );
      if (request.url === "http://images.example/inside") {
        response.writeHead(302, { location: `${origin}/secret` }).end();
        return;
      }
      response.end("bytes");
    });
    proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
      asked.push(`CONNECT ${request.url ?? ""}`);
      socket.end("HTTP/1.1 502 no\r\n\r\n");
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
  });

  test("asks it for the whole address, with its user and password; https goes through a tunnel", async () => {
    const env = { HTTP_PROXY: origin.replace("//", "//user:word@"), HTTPS_PROXY: origin };
    const bytes = await fetchImage("http://images.example/a.png", { env });
    expect(Buffer.from(bytes).toString()).toBe("bytes");
    const failure = await failureOf(() => fetchImage("https://images.example/a.png", { env }));
    expect(failure).toMatchObject({ code: "image/unreachable" });
    expect(failure.message).toMatch(/through the proxy of HTTPS_PROXY/);
    expect(asked).toEqual([
      `GET http://images.example/a.png Basic ${Buffer.from("user:word").toString("base64")}`,
      "CONNECT images.example:443",
    ]);
  });

  test("does not take what NO_PROXY lists", async () => {
    const env = { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "127.0.0.1" };
    await fetchImage(`${origin}/direct`, { env });
    expect(asked).toEqual(["GET /direct"]);
  });

  test("follows no redirect to a private address, unless allowed", async () => {
    const env = { HTTP_PROXY: origin, NO_PROXY: "127.0.0.1" };
    const { message } = await failureOf(() => fetchImage("http://images.example/inside", { env }));
    expect(message).toMatch(/redirects to a private address.*allowPrivateRedirects/);
    expect(message).not.toContain("127.0.0.1");
    expect(asked).toHaveLength(1);
    await fetchImage("http://images.example/inside", { env, allowPrivateRedirects: true });
    expect(asked.at(-1)).toBe("GET /secret");
  });

  test("says which proxy it is that is not there", async () => {
    const env = { http_proxy: "http://user:secret@127.0.0.1:1" };
    const { message } = await failureOf(() => fetchImage("http://images.example/a.png", { env }));
    expect(message).toMatch(/through the proxy of http_proxy: no server listens there: ECONNREFUSED/);
    expect(message).not.toMatch(/secret/);
  });
});
