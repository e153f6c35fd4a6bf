// Tests with a local server that speaks the Hub's protocol, and one that acts as its store of large files.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DownloadProgress } from "../../../files.ts";
import type { Warning } from "@blip-ts/base";
import { downloadModel, type DownloadOptions } from "./download-model.ts";

const id = "someone/blip-tiny";
const commit = "0123456789abcdef0123456789abcdef01234567";
const config = Buffer.from('{"model_type": "blip"}\n');
const weights = Buffer.alloc(300_000, "weights ");
const sha256 = createHash("sha256").update(weights).digest("hex");
const gitSha = createHash("sha1").update(`blob ${config.length}\0`).update(config).digest("hex");

interface Request {
  readonly method: string | undefined;
  readonly url: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

class TestServer {
  readonly requests: Request[] = [];
  readonly #server: Server;

  constructor(handle: Handler) {
    this.#server = createServer((request, response) => {
      const { method, url = "", headers } = request;
      this.requests.push({ method, url, range: headers.range, authorization: headers.authorization });
      handle(request, response);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** The behaviour of the two servers; tests change it. */
interface Behaviour {
  status?: number;
  errorCode?: string;
  token?: string;
  files: string[];
  etag: string;
  /** The number of bytes after which the store breaks the connection, once. */
  breakAfter?: number;
  ranges: boolean;
  busy: number;
}

let behaviour: Behaviour;
let [hub, store]: TestServer[] = [];
let [endpoint, storeUrl] = ["", ""];
let folder: string;
let options: DownloadOptions & { env: Record<string, string> };

function answerHub(request: IncomingMessage, response: ServerResponse): void {
  const { url = "", method, headers } = request;
  if (behaviour.busy > 0) {
    behaviour.busy--;
    response.writeHead(429, { "retry-after": "0" }).end();
    return;
  }
  if (behaviour.token !== undefined && headers.authorization !== `Bearer ${behaviour.token}`) {
    response.writeHead(401).end();
    return;
  }
  if (behaviour.status !== undefined) {
    response
      .writeHead(behaviour.status, behaviour.errorCode ? { "x-error-code": behaviour.errorCode } : {})
      .end();
    return;
  }
  if (url.startsWith(`/api/models/${id}/revision/`)) {
    const siblings = behaviour.files.map((rfilename) => ({ rfilename }));
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ sha: commit, siblings }));
    return;
  }
  const file = /\/resolve\/[0-9a-f]+\/(.+)$/.exec(url)?.[1];
  if (file === "config.json") {
    response.writeHead(200, {
      etag: `"${gitSha}"`,
      "content-length": config.length,
      "x-repo-commit": commit,
    });
    response.end(method === "HEAD" ? undefined : config);
    return;
  }
  if (file !== undefined && behaviour.files.includes(file)) {
    response.writeHead(302, {
      location: `${storeUrl}/${file}`,
      "x-linked-etag": `"${behaviour.etag}"`,
      "x-linked-size": weights.length,
    });
    response.end();
    return;
  }
  response.writeHead(404, { "x-error-code": "RepoNotFound" }).end();
}

function answerStore({ headers }: IncomingMessage, response: ServerResponse): void {
  const start = behaviour.ranges ? Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0) : 0;
  const body = weights.subarray(start);
  response.writeHead(start > 0 ? 206 : 200, { "content-length": body.length });
  if (behaviour.breakAfter === undefined) {
    response.end(body);
    return;
  }
  const part = body.subarray(0, behaviour.breakAfter);
  delete behaviour.breakAfter;
  response.write(part, () => setTimeout(() => response.destroy(), 50));
}

beforeEach(async () => {
  behaviour = {
    files: ["config.json", "pytorch_model.bin", "tf_model.h5"],
    etag: sha256,
    ranges: true,
    busy: 0,
  };
  [hub, store] = [new TestServer(answerHub), new TestServer(answerStore)];
  [endpoint, storeUrl] = [await hub.listen(), await store.listen()];
  folder = await mkdtemp(join(tmpdir(), "blip-hub-"));
  options = { env: { HF_HOME: folder, HF_ENDPOINT: endpoint }, pauseMilliseconds: 1 };
});

afterEach(async () => {
  hub?.close();
  store?.close();
  await rm(folder, { recursive: true, force: true });
});

const repository = () => join(folder, "hub", "models--someone--blip-tiny");

describe("downloadModel", () => {
  test("lays the cache out as Python does, and fetches only what loading needs", async () => {
    const events: DownloadProgress[] = [];
    const found = await downloadModel(id, { ...options, onProgress: (event) => void events.push(event) });
    expect(found).toEqual({ folder: join(repository(), "snapshots", commit), commit });
    expect(await readFile(join(found.folder, "pytorch_model.bin"))).toEqual(weights);
    expect(await readlink(join(found.folder, "pytorch_model.bin"))).toBe(join("..", "..", "blobs", sha256));
    expect(await readlink(join(found.folder, "config.json"))).toBe(join("..", "..", "blobs", gitSha));
    expect(await readFile(join(repository(), "refs", "main"), "utf8")).toBe(commit);
    expect(
      [...(hub?.requests ?? []), ...(store?.requests ?? [])].map(({ url }) => url).join(" "),
    ).not.toContain("tf_model");
    expect(events.at(-1)).toEqual({
      kind: "download",
      file: "pytorch_model.bin",
      loaded: weights.length,
      total: weights.length,
    });
  });

  test("fetches the image settings of either generation of transformers", async () => {
    const settings = ["processor_config.json", "preprocessor_config.json"];
    behaviour.files.push(...settings);
    const found = await downloadModel(id, options);
    // The test's store has one content for all files.
    for (const name of settings) expect(await readFile(join(found.folder, name))).toEqual(weights);
  });

  test("takes the only .pth: macOS's ._NAME beside it is none, and does not make a model complete", async () => {
    behaviour.files = ["config.json", "._model_base.pth", "model_base.pth"];
    const { folder: snapshot } = await downloadModel(id, options);
    expect(await readFile(join(snapshot, "model_base.pth"))).toEqual(weights);
    const offline = { ...options, offline: true };
    expect(await downloadModel(id, offline)).toMatchObject({ commit });
    await rename(join(snapshot, "model_base.pth"), join(snapshot, "._model_base.pth"));
    await expect(downloadModel(id, offline)).rejects.toMatchObject({ code: "hub/offline" });
  });

  test("asks only whether the branch has moved when all is there, and nothing for a commit or offline", async () => {
    await downloadModel(id, options);
    const count = () => (hub?.requests.length ?? 0) + (store?.requests.length ?? 0);
    const before = count();
    await downloadModel(id, options);
    expect(count() - before).toBe(1);
    await downloadModel(id, { ...options, revision: commit });
    await downloadModel(id, { ...options, offline: true });
    await downloadModel(id, { ...options, env: { ...options.env, HF_HUB_OFFLINE: "1" } });
    expect(count() - before).toBe(1);
  });

  test("finds what Python downloaded", async () => {
    const snapshot = join(repository(), "snapshots", commit);
    for (const path of [snapshot, join(repository(), "blobs"), join(repository(), "refs")])
      await mkdir(path, { recursive: true });
    await writeFile(join(repository(), "blobs", sha256), weights);
    await symlink(`../../blobs/${sha256}`, join(snapshot, "pytorch_model.bin"));
    await writeFile(join(repository(), "refs", "main"), commit);
    expect(await downloadModel(id, { ...options, offline: true })).toEqual({ folder: snapshot, commit });
  });

  test("continues where a broken connection stopped", async () => {
    behaviour.breakAfter = 100_000;
    const { folder: snapshot } = await downloadModel(id, options);
    expect(await readFile(join(snapshot, "pytorch_model.bin"))).toEqual(weights);
    expect(store?.requests).toHaveLength(2);
    const resumed = /^bytes=(\d+)-$/.exec(store?.requests[1]?.range ?? "")?.[1];
    expect(Number(resumed)).toBeGreaterThan(0);
  });

  test("continues where an earlier process stopped, and starts over where the server knows no ranges", async () => {
    const partial = join(repository(), "blobs", `${sha256}.incomplete`);
    await mkdir(join(repository(), "blobs"), { recursive: true });
    await writeFile(partial, weights.subarray(0, 250_000));
    await downloadModel(id, options);
    expect(store?.requests.map(({ range }) => range)).toEqual(["bytes=250000-"]);

    await rm(repository(), { recursive: true });
    await mkdir(join(repository(), "blobs"), { recursive: true });
    await writeFile(partial, weights.subarray(0, 250_000));
    behaviour.ranges = false;
    const { folder: snapshot } = await downloadModel(id, options);
    expect(await readFile(join(snapshot, "pytorch_model.bin"))).toEqual(weights);
  });

  test("throws a download away whose bytes are not what the Hub said", async () => {
    behaviour.etag = "f".repeat(64);
    await expect(downloadModel(id, options)).rejects.toMatchObject({ code: "hub/corrupt-download" });
    behaviour.etag = sha256;
    await expect(downloadModel(id, options)).resolves.toMatchObject({ commit });
  });

  test("shows the token to the Hub and not to where it redirects", async () => {
    behaviour.token = "hf_secret";
    await downloadModel(id, { ...options, env: { ...options.env, HF_TOKEN: "hf_secret" } });
    expect(hub?.requests.every(({ authorization }) => authorization === "Bearer hf_secret")).toBe(true);
    expect(store?.requests).toHaveLength(1);
    expect(store?.requests[0]?.authorization).toBeUndefined();
  });

  test("waits and tries again where the Hub is busy", async () => {
    behaviour.busy = 2;
    await expect(downloadModel(id, options)).resolves.toMatchObject({ commit });
  });

  test.each([
    ["there is no such model", { status: 401 }, "hub/not-found", /or it is private.*HF_TOKEN/],
    [
      "there is no such model, said plainly",
      { status: 404, errorCode: "RepoNotFound" },
      "hub/not-found",
      /Check the spelling/,
    ],
    [
      "there is no such revision",
      { status: 404, errorCode: "RevisionNotFound" },
      "hub/revision-not-found",
      /"main"/,
    ],
    ["the model is gated", { status: 403, errorCode: "GatedRepo" }, "hub/gated", /accept its terms/],
    ["the Hub fails", { status: 503 }, "hub/http-status", /answered 503/],
    [
      "it has no weights",
      { files: ["config.json", "tf_model.h5"] },
      "hub/no-weights",
      /expected model\.safetensors.*, got config\.json, tf_model\.h5/,
    ],
    [
      "it has two .pth",
      { files: ["a.pth", "b.pth"] },
      "hub/no-weights",
      /one \.pth file.*, got a\.pth, b\.pth/,
    ],
  ])("says so where %s", async (_what, change, code, message) => {
    Object.assign(behaviour, change);
    const call = downloadModel(id, options);
    await expect(call).rejects.toMatchObject({ code });
    await expect(call).rejects.toThrow(message);
  });

  test("says that a token was refused", async () => {
    behaviour.token = "other";
    const env = { ...options.env, HF_TOKEN: "hf_old" };
    await expect(downloadModel(id, { ...options, env })).rejects.toMatchObject({ code: "hub/unauthorized" });
  });

  test("offline and not there: says where it looked", async () => {
    const call = downloadModel(id, { ...options, offline: true });
    await expect(call).rejects.toMatchObject({ code: "hub/offline" });
    await expect(call).rejects.toThrow(repository());
  });

  test("falls back to the cache where the Hub cannot be reached, with a warning; else says so", async () => {
    await downloadModel(id, options);
    hub?.close();
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => void warnings.push(warning);
    await expect(downloadModel(id, { ...options, onWarning })).resolves.toMatchObject({ commit });
    expect(warnings.map(({ code }) => code)).toEqual(["hub/from-cache"]);
    await expect(downloadModel("someone/other", options)).rejects.toMatchObject({ code: "hub/unreachable" });
  });

  test.each(["../etc", "a/b/c", "a b/c", "a/..", "", "a--b/c"])("rejects %j as an id", async (bad) => {
    await expect(downloadModel(bad, options)).rejects.toMatchObject({ code: "hub/bad-id" });
  });

  test("prints nothing on stdout", async () => {
    const write = vi.spyOn(process.stdout, "write");
    await downloadModel(id, options);
    expect(write).not.toHaveBeenCalled();
    write.mockRestore();
  });

  test("stops when it is aborted, and continues later", async () => {
    const controller = new AbortController();
    const onProgress = ({ file, loaded }: DownloadProgress) => {
      if (file === "pytorch_model.bin" && loaded > 0) controller.abort(new Error("enough"));
    };
    const call = downloadModel(id, { ...options, signal: controller.signal, onProgress });
    await expect(call).rejects.toThrow();
    await expect(downloadModel(id, options)).resolves.toMatchObject({ commit });
  });
});
