// Files of servers that break connections, send wrong lengths, or lose files; correct servers are in
// test/web-checkpoints.slow.test.ts.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fakeCaches, type FakeCaches } from "../../../test/support/fake-caches.ts";
import { clearCache } from "./file-cache.ts";
import { RemoteFile, type RemoteOptions } from "./remote-file.ts";

const url = "http://files.example/model.safetensors";
/** Larger than a header's chunk and a block of weights. */
const content = Uint8Array.from({ length: 1_300_000 }, (_, index) => index % 251);

type Answer = (range: { start: number; end: number } | undefined) => Response | Promise<Response>;

let caches: FakeCaches;
let asked: (string | undefined)[];
/** Answers to the next requests; afterwards the server's own answers. */
let next: Answer[];
let server: Answer;
let etag: string;
beforeEach(() => {
  [caches, asked, next, server, etag] = [fakeCaches(), [], [], part, '"1"'];
  vi.stubGlobal("caches", caches);
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  vi.stubGlobal("fetch", async (_: string, { headers }: { headers: Record<string, string> }) => {
    asked.push(headers.range);
    const found = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
    const range = found
      ? { start: Number(found[1]), end: Math.min(Number(found[2]) + 1, content.length) }
      : undefined;
    return (next.shift() ?? server)(range);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const part: Answer = (range) =>
  range
    ? new Response(content.slice(range.start, range.end), {
        status: 206,
        headers: { etag, "content-range": `bytes ${range.start}-${range.end - 1}/${content.length}` },
      })
    : whole(range);
const whole: Answer = () => new Response(content.slice(), { headers: { etag } });

/** The same answer with a body that ends after `bytes`: with an error, or like a complete one. */
const broken =
  (answer: Answer, bytes: number, how: "error" | "end"): Answer =>
  async (range) => {
    const { status, headers, ...response } = await answer(range);
    const sent = new Uint8Array(await (await answer(range)).arrayBuffer()).slice(0, bytes);
    const body = new ReadableStream({
      pull(controller) {
        if (sent.length > 0 && bytes > 0) controller.enqueue(sent.slice());
        bytes = 0;
        if (how === "error") controller.error(new TypeError("network error"));
        else controller.close();
      },
    });
    return new Response(body, { status, headers, ...response });
  };

const options: RemoteOptions = { cache: true };
const find = async (more: Partial<RemoteOptions> = {}) => {
  const file = await RemoteFile.find(url, { ...options, ...more });
  if (!file) throw new Error("there is no file");
  return file;
};
const expectWhole = async (file: RemoteFile) => {
  expect(file.size).toBe(content.length);
  expect(Buffer.from(await file.read(0, 60_000)).equals(content.subarray(0, 60_000))).toBe(true);
  expect(Buffer.from(await file.read(0, file.size)).equals(content)).toBe(true);
};

describe("a beginning that breaks off", () => {
  test.each(["error", "end"] as const)("is asked for again (%s)", async (how) => {
    next = [broken(part, 1000, how)];
    await expectWhole(await find());
    await expectWhole(await find({ offline: true }));
  });
});

describe("weights behind a header", () => {
  test("are fetched without the bytes that came with it", async () => {
    const file = await find();
    await file.read(70_000, 40_000);
    expect(Buffer.from(await file.read(0, file.size)).equals(content)).toBe(true);
    expect(asked).toEqual(["bytes=0-65535", "bytes=65536-131071", `bytes=131072-${content.length - 1}`]);
  });

  test("are fetched on from where the connection broke off", async () => {
    const file = await find();
    next = [broken(part, 100_000, "error")];
    expect(Buffer.from(await file.read(0, file.size)).equals(content)).toBe(true);
  });
});

test("a connection that breaks off each time is a failure that says which file and what to do", async () => {
  const file = await find();
  next = Array.from({ length: 8 }, () => broken(part, 1000, "error"));
  await expect(file.read(0, file.size)).rejects.toMatchObject({
    code: "model/read-failed",
    message: expect.stringContaining(url) as string,
  });
});

test("so is one that breaks off where the file comes whole", async () => {
  next = [broken(whole, 1000, "error")];
  await expect(find()).rejects.toMatchObject({
    code: "model/read-failed",
    message: expect.stringContaining(url) as string,
  });
  // Nothing of it is kept, because it can only be fetched whole again.
  expect([...caches.kept.values()].flatMap((entries) => [...entries])).toEqual([]);
  server = whole;
  await expectWhole(await find());
});

test("a whole file that is longer than its server says is read all the same, and kept", async () => {
  // For a compressed cross-origin answer, a page sees the length, but not that it is compressed.
  server = () =>
    new Response(content.slice(), { headers: { etag, "content-length": String(content.length - 9) } });
  await expectWhole(await find());
  asked = [];
  await expectWhole(await find({ offline: true }));
  expect(asked).toEqual([]);
});

test("chunks are found again whatever the ETag is made of", async () => {
  etag = `"it's %41 ~ £"`;
  await expectWhole(await find());
  asked = [];
  await expectWhole(await find());
  expect(asked).toEqual(["bytes=0-65535"]);
});

test("a browser whose room is used up reads without keeping anything", async () => {
  caches.open = () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
  await expectWhole(await find());
});

test("a browser that has no room for a changed file any more reads it without keeping it", async () => {
  await expectWhole(await find());
  etag = '"2"';
  const open = caches.open.bind(caches);
  let opened = 0;
  caches.open = (name) =>
    opened++ === 0 ? open(name) : Promise.reject(new DOMException("no room", "QuotaExceededError"));
  await expectWhole(await find());
});

test("a file that its server does not have any more is not kept either", async () => {
  await find();
  next = [() => new Response("gone", { status: 404 })];
  expect(await RemoteFile.find(url, options)).toBeUndefined();
  await expect(RemoteFile.find(url, { ...options, offline: true })).rejects.toMatchObject({
    code: "hub/offline",
  });
  expect(await clearCache()).toEqual([]);
});
