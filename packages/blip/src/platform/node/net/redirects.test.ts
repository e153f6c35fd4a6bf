// Allowed redirects: by name, by the addresses of names, and by the redirecting server.
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NetworkFailure, RefusedRedirect } from "./failure.ts";
import { fetchBy } from "./fetch-by.ts";
import { hopOf, type RedirectOptions } from "./redirects.ts";

/** The simulated DNS. */
const names: Readonly<Record<string, readonly string[]>> = {
  "public.example": ["93.184.216.34"],
  "cdn.example": ["151.101.1.1", "2a04:4e42::1"],
  "rebinding.example": ["93.184.216.34", "127.0.0.1"],
  "inside.example": ["10.0.0.7"],
  "hub.example": ["10.0.0.8"],
  "metadata.example": ["169.254.169.254"],
  "mapped.example": ["::ffff:127.0.0.1"],
};
const resolve = (host: string) =>
  names[host]
    ? Promise.resolve(names[host])
    : Promise.reject(Object.assign(new Error(), { code: "ENOTFOUND" }));
const options: RedirectOptions = { env: {}, allowPrivate: false, resolve };

const redirect = (from: string, location: string, more: Partial<RedirectOptions> = {}) =>
  hopOf(new URL(from), { status: 302, headers: new Headers({ location }) }, { ...options, ...more });

describe("hopOf", () => {
  test.each([
    ["http://public.example/", "http://127.0.0.1/"],
    ["http://public.example/", "http://2130706433/"],
    ["http://public.example/", "http://0x7f.1/"],
    ["http://public.example/", "http://[::1]:8080/"],
    ["http://public.example/", "http://[::ffff:a00:1]/"],
    ["http://public.example/", "http://localhost:9000/"],
    ["http://public.example/", "http://printer/"],
    ["http://public.example/", "http://0.0.0.0/"],
    ["http://public.example/", "http://169.254.169.254/latest/meta-data"],
    ["http://public.example/", "http://metadata.google.internal/"],
    ["http://public.example/", "//10.0.0.1/"],
    ["http://public.example/", "http://inside.example/"],
    ["http://public.example/", "http://rebinding.example/"],
    ["http://public.example/", "http://metadata.example/"],
    ["http://public.example/", "http://mapped.example/"],
    ["http://rebinding.example/", "http://inside.example/"],
    ["http://8.8.8.8/", "http://192.168.1.1/"],
    // Not even this machine itself may redirect to clouds' metadata addresses.
    ["http://127.0.0.1/", "http://169.254.169.254/"],
    ["http://10.0.0.1/", "http://metadata.example/"],
  ])("refuses %s to %s", async (from, to) => {
    await expect(redirect(from, to)).rejects.toMatchObject({ isPrivate: true });
    await expect(redirect(from, to)).rejects.toThrow(RefusedRedirect);
    expect(await redirect(from, to, { allowPrivate: true })).toBeDefined();
  });

  test.each([
    ["http://public.example/", "https://cdn.example/x"],
    ["http://public.example/a", "/b"],
    ["http://127.0.0.1:1/", "http://127.0.0.1:2/"],
    ["http://127.0.0.1:1/", "http://localhost/"],
    ["http://hub.example/", "http://inside.example/"],
    ["http://10.0.0.1/", "https://cdn.example/"],
  ])("allows %s to %s", async (from, to) => {
    expect((await redirect(from, to))?.url.href).toBe(new URL(to, from).href);
  });

  test("the connection leads to the addresses that were looked at", async () => {
    expect(await redirect("http://public.example/", "https://cdn.example/")).toMatchObject({
      addresses: names["cdn.example"],
    });
  });

  test("a name that has no address now is not left to a second look", async () => {
    await expect(redirect("http://public.example/", "http://nobody.example/")).rejects.toThrow(
      NetworkFailure,
    );
  });

  test("through a proxy names are the proxy's affair, addresses are not", async () => {
    const env = { HTTP_PROXY: "http://proxy:1" };
    expect(await redirect("http://public.example/", "http://inside.example/", { env })).toBeDefined();
    await expect(redirect("http://public.example/", "http://127.0.0.1/", { env })).rejects.toThrow(
      RefusedRedirect,
    );
  });

  test.each(["file:///etc/passwd", "gopher://x", "javascript:alert(1)", "data:text/plain,x"])(
    "refuses %s",
    async (to) => {
      await expect(redirect("http://public.example/", to)).rejects.toThrow(/which is not fetched/);
    },
  );

  test("drops credentials of the server's making, and knows what is no redirect", async () => {
    expect((await redirect("http://public.example/", "http://a:b@public.example/x"))?.url.href).toBe(
      "http://public.example/x",
    );
    expect(
      await hopOf(
        new URL("http://a.example"),
        { status: 200, headers: new Headers({ location: "/x" }) },
        options,
      ),
    ).toBeUndefined();
    expect(
      await hopOf(new URL("http://a.example"), { status: 302, headers: new Headers() }, options),
    ).toBeUndefined();
    await expect(redirect("http://public.example/", "http://[")).rejects.toThrow("an invalid address");
  });
});

describe("a connection to given addresses", () => {
  let server: Server;
  let port = 0;
  beforeAll(async () => {
    server = createServer((request, response) => response.end(request.headers.host));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("leads there, whatever the name would stand for", async () => {
    const url = new URL(`http://nobody.example:${port}/`);
    const plain = { method: "GET", headers: {}, env: {}, signal: new AbortController().signal } as const;
    const answer = await fetchBy(url, { ...plain, addresses: ["127.0.0.1"] });
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value as Uint8Array).toString()).toBe(
      `nobody.example:${port}`,
    );
  });
});
