// A model by its weights file's address: fetched once, resumed, revalidated, and available without a network.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Warning } from "@blip-ts/base";
import { failureOf } from "@blip-ts/testing";
import { inspect } from "blip-ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fixture } from "../../../../test/support/goldens.ts";
import { serveScriptedHub, type ScriptedHub } from "../../../../test/support/scripted-hub.ts";
import { usualLimits } from "../net/limits.ts";
import { openUrlModel, type UrlModelOptions } from "./url-model.ts";

const bytes = Buffer.alloc(300_000, "weights ");
const limits = { ...usualLimits, head: 200, silence: 200, text: 400, tries: 2 };

let server: ScriptedHub;
let home = "";
let warnings: Warning[] = [];
let options: UrlModelOptions & { env: Record<string, string> };
beforeEach(async () => {
  server = await serveScriptedHub({ "model_base.pth": bytes });
  home = await mkdtemp(join(tmpdir(), "blip-url-"));
  warnings = [];
  options = {
    env: { HF_HOME: home },
    pauseMilliseconds: 1,
    limits,
    onWarning: (warning) => void warnings.push(warning),
  };
});
afterEach(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

const address = () => `${server.origin}/BLIP/models/model_base.pth`;
/** The path of the opened weights. */
async function open(more: Partial<UrlModelOptions> = {}, place = address()): Promise<string> {
  const files = await openUrlModel(place, { ...options, ...more });
  if (files?.kind !== "file" || files.weights.kind !== "single") throw new Error("expected a single file");
  return files.weights.source.path ?? "";
}
const expectWhole = async (path: string) => expect(bytes.equals(await readFile(path))).toBe(true);

describe("openUrlModel", () => {
  test("fetches a file once, and asks about it alone from then on", async () => {
    const path = await open();
    await expectWhole(path);
    const note = join(dirname(path), "..", "current.json");
    const { ino } = await stat(note);
    expect(await open()).toBe(path);
    // Nothing is written, because the cache may be read-only.
    expect((await stat(note)).ino).toBe(ino);
    expect(await open({ offline: true })).toBe(path);
    expect(server.requests.map(({ kind }) => kind)).toEqual(["head", "get", "head"]);
    expect(await readdir(join(dirname(path), "..", ".locks"))).toEqual([]);
  });

  test("loads in three calls at once share one transfer", async () => {
    const paths = await Promise.all([open(), open(), open()]);
    for (const path of paths) await expectWhole(path);
    expect(server.sent()).toEqual(["model_base.pth@0"]);
  });

  test("continues where a connection broke off, with a word about which file it was", async () => {
    const ranges: (string | undefined)[] = [];
    server.answer = ({ kind, from }, response) => {
      if (kind !== "get") return false;
      ranges.push(response.req.headers["if-range"] as string | undefined);
      if (from > 0) return false;
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 20));
      return true;
    };
    await expectWhole(await open());
    expect(server.sent()).toHaveLength(2);
    expect(Number(server.sent()[1]?.split("@")[1])).toBeGreaterThan(0);
    expect(ranges[1]).toMatch(/^"[0-9a-f]{64}"$/);
  });

  test("fetches again what the server has changed, and the old one goes", async () => {
    const before = await open();
    const other = Buffer.alloc(1000, "other ");
    server.files.set("model_base.pth", other);
    const after = await open();
    expect(other.equals(await readFile(after))).toBe(true);
    expect(await readdir(join(dirname(before), ".."))).not.toContain(dirname(before).split("/").at(-1));
  });

  test("fetches again what is cut short", async () => {
    const path = await open();
    await writeFile(path, bytes.subarray(0, 7));
    expect(await failureOf(() => open({ offline: true }))).toMatchObject({ code: "hub/offline" });
    await expectWhole(await open());
  });

  test("uses what it has if the server is down, slow or something else, with a warning", async () => {
    const path = await open();
    server.answer = (_request, response) => {
      response.writeHead(503).end("busy");
      return true;
    };
    expect(await open()).toBe(path);
    server.answer = () => true;
    expect(await open()).toBe(path);
    await server.close();
    expect(await open()).toBe(path);
    expect(warnings.map(({ code }) => code)).toEqual(["hub/from-cache", "hub/from-cache", "hub/from-cache"]);
    await rm(home, { recursive: true });
    expect(await failureOf(() => open())).toMatchObject({ code: "hub/unreachable" });
  });

  test("holds the bytes against Google's hash", async () => {
    const md5 = createHash("md5").update(bytes).digest("base64");
    let said = md5;
    server.answer = ({ kind }, response) => {
      if (kind !== "head") return false;
      response.writeHead(200, {
        etag: '"x"',
        "content-length": bytes.length,
        "x-goog-hash": `crc32c=AAAAAA==,md5=${said}`,
      });
      response.end();
      return true;
    };
    await expectWhole(await open());
    await rm(home, { recursive: true });
    said = createHash("md5").update("another").digest("base64");
    expect(await failureOf(() => open())).toMatchObject({ code: "hub/corrupt-download" });
    expect((await readdir(home, { recursive: true })).filter((name) => name.endsWith(".pth"))).toEqual([]);
  });

  test("asks for the first byte if the server answers no HEAD", async () => {
    server.answer = ({ kind, url }, response) => {
      if (kind === "head") response.writeHead(405).end();
      else if (response.req.headers.range === "bytes=0-0")
        response.writeHead(206, { etag: '"x"', "content-range": `bytes 0-0/${bytes.length}` }).end("w");
      else return false;
      return url !== "";
    };
    await expectWhole(await open());
  });

  test("says that the file is not there, and that an address is none of a weights file", async () => {
    expect(await failureOf(() => open({}, `${server.origin}/none.pth`))).toMatchObject({
      code: "hub/not-found",
    });
    for (const place of [
      server.origin,
      `${server.origin}/folder/`,
      `${server.origin}/index.html`,
      `${server.origin}/..%5C..%5Cx.pth`,
      `${server.origin}/model.safetensors.index.json`,
      "http://[/x.pth",
      "https:",
    ])
      expect(await failureOf(() => open({}, place)), place).toMatchObject({ code: "hub/not-a-weights-file" });
  });

  test("sends the user and the password of an address, and shows neither them nor its query", async () => {
    const place = address().replace("//", "//user:secret@") + "?signature=secret#secret";
    server.answer = ({ authorization }, response) => {
      if (authorization === `Basic ${Buffer.from("user:secret").toString("base64")}`) return false;
      response.writeHead(401).end();
      return true;
    };
    const files = await openUrlModel(place, options);
    expect(files?.name).toBe(`${address()}?...`);
    const error = await failureOf(() => openUrlModel(place.replace("user", "other"), options));
    expect(error.code).toBe("hub/not-found");
    expect(error.message + JSON.stringify(error.fields)).not.toContain("secret");
    expect((await readdir(home, { recursive: true })).join()).not.toContain("secret");
  });
});

test("a model by its address is inspected as from its file", async () => {
  const path = fixture("tiny/match-original/model_tiny_retrieval.pth");
  server.files.set("model_tiny_retrieval.pth", await readFile(path));
  vi.stubEnv("HF_HOME", home);
  try {
    const place = `${server.origin}/BLIP/models/model_tiny_retrieval.pth`;
    const [byAddress, byPath] = [await inspect(place), await inspect(path)];
    expect(byAddress).toMatchObject({ format: "torch-zip", dialect: "original", tasks: byPath.tasks });
    expect(byAddress.parameters).toBe(byPath.parameters);
  } finally {
    vi.unstubAllEnvs();
  }
});
