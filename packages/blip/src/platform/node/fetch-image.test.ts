// Pictures by http, from a local server: redirects, limits, and what the message says.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fetchImage } from "./fetch-image.ts";

let server: Server;
let base = "";

beforeAll(async () => {
  server = createServer(({ url = "" }, response) => {
    const hops = /^\/redirect\/(\d+)$/.exec(url)?.[1];
    if (hops !== undefined)
      response
        .writeHead(302, { location: hops === "1" ? "/picture" : `/redirect/${Number(hops) - 1}` })
        .end();
    else if (url === "/picture") response.end("bytes");
    else if (url === "/elsewhere") response.writeHead(302, { location: "file:///etc/hostname" }).end();
    else if (url === "/large") response.end(Buffer.alloc(25_000_001));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

describe("fetchImage", () => {
  test("follows up to five redirects", async () => {
    expect(Buffer.from(await fetchImage(`${base}/redirect/5`)).toString()).toBe("bytes");
    await expect(fetchImage(`${base}/redirect/6`)).rejects.toThrow(/more than 5 redirects/);
  });

  test.each([
    ["/missing", /the server answered 404/],
    ["/large", /larger than 25 MB/],
    ["/elsewhere", /redirects to file:/],
  ])("refuses %s", async (path, message) => {
    const call = fetchImage(base + path);
    await expect(call).rejects.toMatchObject({ code: "image/unreachable" });
    await expect(call).rejects.toThrow(message);
  });

  test("says that nobody listens, and stops when it is told to", async () => {
    await expect(fetchImage("http://127.0.0.1:59998/a.jpg")).rejects.toMatchObject({
      code: "image/unreachable",
    });
    await expect(fetchImage(`${base}/picture`, AbortSignal.abort(new Error("enough")))).rejects.toThrow(
      "enough",
    );
  });
});
