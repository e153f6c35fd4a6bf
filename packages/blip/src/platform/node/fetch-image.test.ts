// Images by http from a local server: redirects, limits, and messages.
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { failureOf } from "@blip-ts/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { decodeImage } from "./decode-image.ts";
import { fetchedImages, fetchImage } from "./fetch-image.ts";
import { BodyRoom } from "./net/body-room.ts";
import { readImage } from "./read-image.ts";

const pixel = readFileSync(new URL("../../../../../fixtures/images/one-pixel.png", import.meta.url));
/** An image followed by 3 MB. */
const padded = Buffer.concat([pixel, Buffer.alloc(3e6)]);

let server: Server;
let base = "";
let closed = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const { url = "" } = request;
    const hops = /^\/redirect\/(\d+)$/.exec(url)?.[1];
    if (hops !== undefined)
      response
        .writeHead(302, { location: hops === "1" ? "/picture" : `/redirect/${Number(hops) - 1}` })
        .end();
    else if (url === "/picture") response.end("bytes");
    else if (url === "/elsewhere") response.writeHead(302, { location: "file:///etc/hostname" }).end();
    else if (url === "/metadata")
      response.writeHead(302, { location: "http://169.254.169.254/latest" }).end();
    else if (url === "/silent") response.writeHead(200).write("a");
    else if (url === "/endless") {
      response.on("close", () => closed++);
      response.writeHead(404).write("internal state: secret");
    } else if (url === "/status") response.socket?.end("HTTP/1.1 500 internal\u001b[31m secret\r\n\r\n");
    else if (url === "/basic") response.end(request.headers.authorization);
    else if (url === "/text") response.end("internal state: secret");
    else if (url === "/data") response.end(Buffer.from([1, 2, 3, 0xde, 0xad]));
    else if (url === "/padded") response.end(padded);
    else if (url === "/padding") response.end(padded.subarray(pixel.length));
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

describe.each([false, true])("decodeImage, isolated: %s", (isolate) => {
  const options = { alpha: "white", orientation: "stored", grey16: "clip", isolate } as const;

  test.each([
    ["/padded", undefined],
    ["/padding", "image/not-an-image"],
    ["/missing", "image/unreachable"],
  ])("counts the bytes of %s, and gives them back", async (path, code) => {
    let counted = 0;
    const open = fetchedImages.open.bind(fetchedImages);
    const opened = vi.spyOn(fetchedImages, "open").mockImplementation(() => {
      const share = open();
      const take: typeof share.take = async (bytes, signal) => {
        await share.take(bytes, signal);
        counted += bytes;
        expect(fetchedImages.taken).toBe(Math.max(0, counted - 2 ** 20));
      };
      return { ...share, take };
    });
    onTestFinished(() => opened.mockRestore());
    const call = decodeImage(base + path, options);
    if (code === undefined) expect(await call).toMatchObject({ width: 1, height: 1 });
    else await expect(call).rejects.toMatchObject({ code });
    expect(counted).toBe(path === "/missing" ? 0 : path === "/padded" ? padded.length : 3e6);
    expect(fetchedImages.taken).toBe(0);
  });
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

  test("says that no server listens, and stops when it is aborted", async () => {
    await expect(fetchImage("http://127.0.0.1:59998/a.jpg")).rejects.toMatchObject({
      code: "image/unreachable",
    });
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(fetchImage(`${base}/picture`, { signal })).rejects.toThrow("enough");
  });

  test("bodies wait for room, by their connections, and small ones do not", async () => {
    const room = new BodyRoom(5, 5);
    const [first, second] = [room.open(), room.open()];
    await first.take(11);
    const small = Buffer.from(await fetchImage(`${base}/picture`, { share: room.open() }));
    expect(small.toString()).toBe("bytes");
    const call = fetchImage(`${base}/text`, { share: second });
    await vi.waitFor(() => expect(room.waiting).toBe(1));
    first.close();
    expect(Buffer.from(await call).toString()).toMatch(/^internal/);
    expect(room.taken).toBe("internal state: secret".length - 5);
    second.close();
  });

  test("a body that waits for room ends with its time, or its caller's signal", async () => {
    const room = new BodyRoom(1, 0);
    await room.open().take(2);
    const options = { share: room.open(), timeout: 50 };
    await expect(fetchImage(`${base}/picture`, options)).rejects.toThrow("no whole answer within 0.05");
    const stop = new AbortController();
    const call = fetchImage(`${base}/picture`, { share: room.open(), signal: stop.signal });
    await vi.waitFor(() => expect(room.waiting).toBe(1));
    stop.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    expect(room.taken).toBe(2);
  });

  test("a signal ends the waiting within a body, and time does, too", async () => {
    const stop = new AbortController();
    const call = fetchImage(`${base}/silent`, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await expect(call).rejects.toThrow("enough");
    await expect(fetchImage(`${base}/silent`, { timeout: 50 })).rejects.toThrow(
      "no whole answer within 0.05",
    );
  });

  test("leads nowhere where clouds keep credentials, and says nothing of where it was sent", async () => {
    const { message } = await failureOf(() => fetchImage(`${base}/metadata`));
    expect(message).toMatch(/redirects to a private address/);
    expect(message).not.toContain("169.254");
  });

  test("ends an answer that is none, however long its body is", async () => {
    await expect(fetchImage(`${base}/endless`)).rejects.toThrow("the server answered 404");
    await vi.waitFor(() => expect(closed).toBe(1));
  });

  test("sends the user and the password of an address", async () => {
    const place = `${base.replace("//", "//user:secret@")}/basic`;
    const expected = `Basic ${Buffer.from("user:secret").toString("base64")}`;
    expect(Buffer.from(await fetchImage(place)).toString()).toBe(expected);
  });

  test.each(["/endless", "/status", "/text", "/data", "/missing?key=secret"])(
    "what the server answers to %s is not quoted, nor are secrets of the address",
    async (path) => {
      const place = `${base.replace("//", "//user:secret@")}${path}`;
      const error = await failureOf(() => readImage(place, undefined));
      expect(error.message + JSON.stringify(error.fields)).not.toMatch(/secret|internal|\u001b|01 02|de ad/);
      expect(error.message).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    },
  );
});
