// A static server for tested pages: folders under names, byte ranges, ETags, and the headers that isolate a page.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".css": "text/css",
  ".png": "image/png",
  ".jpg": "image/jpeg",
};

export interface PageServerOptions {
  /** Folders by a path's first part; "" serves all other paths. */
  readonly folders: Readonly<Record<string, string>>;
  /** Cross-origin isolation, which threads of WebAssembly need. */
  readonly isolated?: boolean;
  /** Whether the server answers range requests; otherwise it sends whole files. */
  readonly ranges?: boolean;
  /** Allows reads by pages of other origins. */
  readonly cors?: boolean;
}

export interface PageServer extends AsyncDisposable {
  readonly origin: string;
  /** The requested paths with their ranges, and the number of bytes sent. */
  readonly requests: { readonly path: string; readonly range: string | undefined; readonly bytes: number }[];
  /** Makes the next `count` answers to range requests end their connections after half of the bytes. */
  breakOff(count: number): void;
}

export async function servePages(options: PageServerOptions): Promise<PageServer> {
  const requests: { path: string; range: string | undefined; bytes: number }[] = [];
  let broken = 0;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const { range } = request.headers;
    const asking = { path, range, bytes: 0 };
    requests.push(asking);
    if (options.isolated ?? true) {
      response.setHeader("cross-origin-opener-policy", "same-origin");
      response.setHeader("cross-origin-embedder-policy", "require-corp");
    }
    response.setHeader("cross-origin-resource-policy", "cross-origin");
    if (options.cors === true) {
      response.setHeader("access-control-allow-origin", "*");
      response.setHeader("access-control-expose-headers", "etag, content-range");
    }
    const [, first = "", ...rest] = path.split("/");
    const folder = options.folders[first];
    const file =
      folder === undefined
        ? join(options.folders[""] ?? "/nowhere", normalize(path))
        : join(folder, normalize(rest.join("/")));
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) {
      response.writeHead(404, { "content-type": "text/plain" }).end("there is no such file");
      return;
    }
    const etag = `"${createHash("sha1").update(`${found.mtimeMs} ${found.size} ${file}`).digest("hex")}"`;
    response.setHeader("etag", etag);
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    const asked = options.ranges === false ? null : /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
    if (!asked) {
      asking.bytes = found.size;
      response.writeHead(200, { "content-length": found.size });
      createReadStream(file).pipe(response);
      return;
    }
    const start = Number(asked[1]);
    if (start >= found.size) {
      response.writeHead(416, { "content-range": `bytes */${found.size}` }).end();
      return;
    }
    const end = Math.min(asked[2] === "" ? found.size - 1 : Number(asked[2]), found.size - 1);
    asking.bytes = end - start + 1;
    response.writeHead(206, {
      "content-range": `bytes ${start}-${end}/${found.size}`,
      "content-length": end - start + 1,
    });
    if (broken > 0 && start > 0) {
      broken--;
      const half = createReadStream(file, { start, end: start + Math.floor((end - start) / 2) });
      half.on("end", () => response.destroy()).pipe(response, { end: false });
      return;
    }
    createReadStream(file, { start, end }).pipe(response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    breakOff: (count) => {
      broken = count;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
