// A local server that plays the Hub, with tiny random models under the ids of real ones, and every other host, where
// each URL returns the same image.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, relative, resolve, sep } from "node:path";
import { fixture } from "./goldens.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

/** All files below a folder, by the Hub's names. */
const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));

export interface TinyHub extends AsyncDisposable {
  /** The value for HF_ENDPOINT; `local-hosts.mjs` redirects other hosts to it. */
  readonly origin: string;
  /** The hosts that were asked for images. */
  readonly hosts: ReadonlySet<string>;
  /** The files sent, in order, as REPOSITORY/PATH. */
  readonly sent: readonly string[];
}

/**
 * Starts the server.
 * @param models folder by model id: a name in fixtures/tiny, or a path
 * @param picture the image that every other host returns
 */
export async function serveTinyHub(
  models: Readonly<Record<string, string>>,
  picture: Uint8Array,
): Promise<TinyHub> {
  const hosts = new Set<string>();
  const sent: string[] = [];

  async function answer({ url = "", method }: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (type: string, body: string | Uint8Array) => {
      const bytes = Buffer.from(body);
      response.writeHead(200, {
        "content-type": type,
        "content-length": bytes.length,
        etag: `"${createHash("sha256").update(bytes).digest("hex")}"`,
        "x-repo-commit": commit,
      });
      response.end(method === "HEAD" ? undefined : bytes);
    };
    const host = /^\/hosts\/([^/]+)\//.exec(url)?.[1];
    if (host !== undefined) {
      hosts.add(host);
      send("image/png", picture);
      return;
    }
    const [, listed, id, file] =
      /^(?:\/api\/models\/(.+)\/revision\/.+|\/(.+)\/resolve\/[^/]+\/(.+))$/.exec(url) ?? [];
    const model = models[listed ?? id ?? ""];
    const folder = resolve(fixture("tiny"), model ?? "");
    const files = model === undefined ? [] : await filesIn(folder);
    if (listed !== undefined && model !== undefined)
      send(
        "application/json",
        JSON.stringify({ sha: commit, siblings: files.map((rfilename) => ({ rfilename })) }),
      );
    else if (id !== undefined && file !== undefined && files.includes(file)) {
      if (method === "GET") sent.push(`${id}/${file}`);
      send("application/octet-stream", await readFile(join(folder, file)));
    } else response.writeHead(404, { "x-error-code": "RepoNotFound" }).end();
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ hosts, sent },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
