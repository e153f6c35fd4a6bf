// The small files of a model while the network or the server fails.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeCaches } from "../../../test/support/fake-caches.ts";
import { plainModel } from "../../../test/support/plain-model.ts";
import { openRemoteModel } from "./remote-model.ts";

/** The answer for config.json; the weights exist and have the bytes of a header. */
let config: () => Response | Promise<Response>;
beforeEach(() => {
  vi.stubGlobal("caches", fakeCaches());
  vi.stubGlobal("document", { baseURI: "http://page.example/" });
  vi.stubGlobal("fetch", async (url: string) =>
    url.endsWith("config.json")
      ? config()
      : new Response(new Uint8Array(9), {
          status: 206,
          headers: { etag: '"1"', "content-range": "bytes 0-8/9" },
        }),
  );
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const open = (more: { offline?: boolean } = {}) => openRemoteModel("/model/", more).then(plainModel);
const said =
  (body: string, status = 200) =>
  () =>
    new Response(body, { status });
const brokenOff = () =>
  new Response(new ReadableStream({ start: (body) => body.error(new TypeError("network error")) }));

test.each([
  [503, "hub/http-status", /503.*later/],
  [429, "hub/http-status", /429.*later/],
  [401, "hub/unauthorized", /401.*token/],
])("a server that answers %d is not said to have no such file", async (status, code, message) => {
  config = said("", status);
  await expect((await open()).read("config.json")).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
});

test("a small file whose connection breaks off is taken from the cache, or named", async () => {
  config = brokenOff;
  await expect((await open()).read("config.json")).rejects.toMatchObject({
    code: "hub/unreachable",
    message: expect.stringContaining("http://page.example/model/config.json") as string,
  });
  config = said("{}");
  expect(await (await open()).read("config.json")).toBe("{}");
  config = brokenOff;
  expect(await (await open()).read("config.json")).toBe("{}");
});

test("the embedded model is called so, by which its photographs are warned of", async () => {
  const files = await openRemoteModel("picture-book", {});
  const model = files.kind === "suite" ? await files.openFolder("match") : files;
  expect(model.embedded).toBe(true);
  expect((await open()).embedded).toBeUndefined();
});

test("an address that is none is rejected with what a model may be", async () => {
  await expect(openRemoteModel("https://files example/model/", {})).rejects.toMatchObject({
    code: "model/not-found",
    message: expect.stringMatching(/^https:\/\/files example\/model\/: expected the URL/) as string,
  });
});
