// A static server for examples/page/dist. Any other works too; these two headers allow the engine to use threads.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const made = fileURLToPath(new URL("dist/", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".css": "text/css",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".png": "image/png",
};
const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

createServer((request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
  const file = join(made, path.endsWith("/") ? `${path}index.html` : path);
  readFile(file).then(
    (bytes) => {
      const type = types[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { ...isolation, "content-type": type });
      response.end(bytes);
    },
    () => response.writeHead(404).end(),
  );
}).listen(8080, "127.0.0.1", () => console.log("http://127.0.0.1:8080"));
