// Concurrent loads of one model, in one process and in several: one transfer of each file, counted by a local server.
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { access, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DownloadProgress } from "../../../files.ts";
import { downloadModel, type DownloadOptions } from "./download-model.ts";

const id = "someone/blip-tiny";
const commit = "0123456789abcdef0123456789abcdef01234567";
const files = new Map([
  ["config.json", Buffer.from('{"model_type": "blip"}\n')],
  ["vocab.txt", Buffer.from("[PAD]\n[UNK]\n")],
  ["pytorch_model.bin", Buffer.alloc(400_000, "weights ")],
]);
const etagOf = (file: string) =>
  createHash("sha256")
    .update(files.get(file) ?? "")
    .digest("hex");
const weights = "pytorch_model.bin";

/** The hub's requested files, and its speed. */
let sent: { file: string; from: number }[] = [];
let asked: string[] = [];
let broken: string[] = [];
let status = 200;
let pause = 1;
let server: Server;
let endpoint = "";
let folder = "";
let options: DownloadOptions & { env: Record<string, string> };
let children: ChildProcess[] = [];

async function send(file: string, from: number, response: ServerResponse): Promise<void> {
  const body = files.get(file)?.subarray(from) ?? Buffer.alloc(0);
  for (let at = 0; at < body.length && !response.destroyed; at += 20_000) {
    response.write(body.subarray(at, at + 20_000));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  if (response.destroyed) broken.push(file);
  else response.end();
}

function answer({ url = "", method, headers }: IncomingMessage, response: ServerResponse): void {
  if (url.startsWith("/api/models/")) {
    const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
    response.writeHead(200).end(JSON.stringify({ sha: commit, siblings }));
    return;
  }
  const file = url.split("/").at(-1) ?? "";
  const size = files.get(file)?.length ?? 0;
  if (method === "HEAD") {
    asked.push(file);
    response.writeHead(200, { etag: `"${etagOf(file)}"`, "content-length": size }).end();
    return;
  }
  const from = Number(/bytes=(\d+)-/.exec(headers.range ?? "")?.[1] ?? 0);
  sent.push({ file, from });
  if (status !== 200) {
    response.writeHead(status).end();
    return;
  }
  response.writeHead(from > 0 ? 206 : 200, { "content-length": size - from });
  void send(file, from, response);
}

beforeEach(async () => {
  [sent, asked, broken, children, status, pause] = [[], [], [], [], 200, 1];
  server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), "blip-at-once-"));
  options = { env: { HF_HOME: folder, HF_ENDPOINT: endpoint }, pauseMilliseconds: 1 };
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const once3 = [...files.keys()].map((file) => ({ file, from: 0 }));
const snapshot = () => join(folder, "hub", "models--someone--blip-tiny", "snapshots", commit);

async function expectWhole(): Promise<void> {
  for (const [file, content] of files)
    expect(content.equals(await readFile(join(snapshot(), file))), file).toBe(true);
  const cache = join(folder, "hub", "models--someone--blip-tiny");
  expect((await readdir(join(cache, "blobs"))).sort()).toEqual([...files.keys()].map(etagOf).sort());
  expect(await readdir(join(cache, "refs"))).toEqual(["main"]);
  expect(await readdir(join(folder, "hub", ".locks", "models--someone--blip-tiny"))).toEqual([]);
}

/** Another process that loads the same model. */
function load(): { readonly child: ChildProcess; readonly code: Promise<number | null> } {
  const module = new URL("download-model.ts", import.meta.url).href;
  const script = `
    import { downloadModel } from ${JSON.stringify(module)};
    await downloadModel(${JSON.stringify(id)}, { pauseMilliseconds: 1 });
  `;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    cwd: fileURLToPath(new URL("../../../../../../", import.meta.url)),
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  children.push(child);
  const code = once(child, "exit").then(([exit]) => exit as number | null);
  return { child, code };
}

const waitFor = (condition: () => boolean) => vi.waitFor(() => expect(condition()).toBe(true), 30_000);

describe("in one process", () => {
  test("three loads share one transfer, and each hears of it", async () => {
    const events: DownloadProgress[][] = [[], [], []];
    await Promise.all(
      events.map((list) => downloadModel(id, { ...options, onProgress: (event) => void list.push(event) })),
    );
    expect(sent).toEqual(once3);
    for (const list of events) expect(list.at(-1)).toMatchObject({ file: weights, loaded: 400_000 });
    await expectWhole();
  });

  test("one that is stopped leaves the transfer to the others", async () => {
    const stop = new AbortController();
    const onProgress = ({ file, loaded }: DownloadProgress) => {
      if (file === weights && loaded > 50_000) stop.abort(new Error("enough"));
    };
    const first = downloadModel(id, { ...options, signal: stop.signal, onProgress });
    const second = downloadModel(id, options);
    await expect(first).rejects.toThrow("enough");
    await second;
    expect(sent).toEqual(once3);
    await expectWhole();
  });

  test("the transfer ends when nobody waits for it, and the next load continues with it", async () => {
    pause = 20;
    const stop = new AbortController();
    const onProgress = ({ file, loaded }: DownloadProgress) => {
      if (file === weights && loaded > 50_000) stop.abort(new Error("enough"));
    };
    const load = () => downloadModel(id, { ...options, signal: stop.signal, onProgress });
    const stopped = await Promise.allSettled([load(), load()]);
    expect(stopped.map((one) => one.status)).toEqual(["rejected", "rejected"]);
    await waitFor(() => broken.includes(weights));
    pause = 1;
    await downloadModel(id, options);
    const transfers = sent.filter(({ file }) => file === weights);
    expect(transfers).toHaveLength(2);
    expect(transfers[1]?.from).toBeGreaterThan(50_000);
    await expectWhole();
  });

  test("a failure is that of all who wait, and of nobody who comes later", async () => {
    status = 404;
    const found = await Promise.allSettled([downloadModel(id, options), downloadModel(id, options)]);
    for (const one of found)
      expect(one).toMatchObject({ status: "rejected", reason: { code: "hub/http-status" } });
    status = 200;
    await downloadModel(id, options);
    await expectWhole();
  });
});

describe("in several processes", () => {
  test("three of them, and three loads in this one, share one transfer of each file", async () => {
    pause = 150;
    const others = [load(), load(), load()];
    // They arrive while this one's transfer runs, which takes longer than their start.
    await waitFor(() => asked.length > 0);
    await Promise.all([1, 2, 3].map(() => downloadModel(id, options)));
    expect(await Promise.all(others.map(({ code }) => code))).toEqual([0, 0, 0]);
    expect(sent).toEqual(once3);
    expect(asked.filter((file) => file === weights).length).toBeGreaterThanOrEqual(2);
    await expectWhole();
  }, 60_000);

  test("one that is killed leaves what it has to the others, who finish", async () => {
    pause = 200;
    const first = load();
    await waitFor(() => sent.some(({ file }) => file === weights));
    const others = [load(), load()];
    await waitFor(() => asked.filter((file) => file === weights).length === 3);
    const here = downloadModel(id, options);
    await waitFor(() => asked.filter((file) => file === weights).length === 4);
    first.child.kill("SIGKILL");
    await first.code;
    pause = 1;
    await here;
    expect(await Promise.all(others.map(({ code }) => code))).toEqual([0, 0]);
    const transfers = sent.filter(({ file }) => file === weights);
    expect(transfers).toHaveLength(2);
    expect(transfers[1]?.from).toBeGreaterThan(0);
    await expectWhole();
    await access(join(snapshot(), weights));
  }, 90_000);
});
