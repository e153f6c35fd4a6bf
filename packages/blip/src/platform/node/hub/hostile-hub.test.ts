// A hub that is down, slow or misbehaving, and an incomplete cache: what is used, which messages appear, and what never
// happens.
import { mkdir, readdir, readlink, rm, symlink, utimes, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { failureOf } from "@blip-ts/testing";
import { describe, expect, test, vi } from "vitest";
import {
  blob,
  config,
  expectWhole,
  home,
  hub,
  limits,
  load,
  options,
  repository,
  snapshot,
  useHostileHub,
  warnings,
  weights,
} from "../../../../test/support/hostile-hub.ts";
import { etagOf, hubCommit } from "../../../../test/support/scripted-hub.ts";
import { usualLimits } from "../net/limits.ts";
import { partialEnding } from "../process-owner.ts";

useHostileHub();

/** All paths below a folder. */
const below = async (folder: string) => (await readdir(folder, { recursive: true })).sort();
const text = (status: number, body: string) => (response: ServerResponse) =>
  void response.writeHead(status, { "content-type": "text/html" }).end(body);

const faults: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ["a portal's page with 200", text(200, "<!doctype html><p>Sign in</p>")],
  ["503", text(503, "later")],
  ["429", text(429, "")],
  ["a proxy's 403", text(403, "<html>blocked</html>")],
  ["a portal's 404", text(404, "<html>")],
  ["407", text(407, "")],
  ["JSON of another kind", text(200, "[1, 2]")],
  ["a list without a commit", text(200, '{"siblings": []}')],
  ["siblings that are null", text(200, `{"sha": "${hubCommit}", "siblings": null}`)],
  ["deep JSON", text(200, "[".repeat(200_000))],
  ["nothing", (response) => void response.destroy()],
  ["no head of an answer", () => undefined],
  ["a byte now and then", (response) => drip(response, "{")],
  ["a list that breaks off", (response) => breakOff(response)],
];
function drip(response: ServerResponse, piece: string): void {
  response.writeHead(200);
  const timer = setInterval(() => void response.write(piece), 40);
  response.on("close", () => clearInterval(timer));
}
function breakOff(response: ServerResponse): void {
  response.writeHead(200, { "content-length": 1000 });
  response.write("{", () => response.destroy());
}

describe("a whole model of the cache", () => {
  test.each(faults)("is used, with a warning, if the hub answers %s", async (_what, answer) => {
    await load();
    hub.answer = (_request, response) => {
      answer(response);
      return true;
    };
    expect(await load()).toMatchObject({ folder: snapshot() });
    expect(warnings.map(({ code }) => code)).toEqual(["hub/from-cache"]);
    expect(warnings[0]?.message).toMatch(/is taken from the cache$/);
    // The wait is shorter for a fully cached model than for a missing one.
    expect(hub.requests.length).toBeLessThanOrEqual(3 + 2 + 2);
  });

  test("is used if the file of a newer commit is not what was promised", async () => {
    await load();
    const newer = "f".repeat(40);
    hub.answer = ({ kind }, response) => {
      if (kind !== "list") return false;
      const siblings = [{ rfilename: "config.json" }, { rfilename: "model.safetensors" }];
      response.end(JSON.stringify({ sha: newer, siblings }));
      return true;
    };
    hub.files.set("config.json", Buffer.from("another"));
    const answerFile = hub.answer;
    hub.answer = (request, response) => {
      if (request.kind !== "get" || request.file !== "config.json") return answerFile(request, response);
      response.end("not it");
      return true;
    };
    expect(await load()).toMatchObject({ commit: hubCommit });
    expect(warnings[0]?.message).toContain("config.json: expected a download with the size");
  });

  test("is not used in place of one that is gated or gone", async () => {
    await load();
    for (const [code, error] of [
      ["GatedRepo", "hub/gated"],
      ["RepoNotFound", "hub/not-found"],
      ["RevisionNotFound", "hub/revision-not-found"],
    ] as const) {
      hub.answer = (_request, response) => {
        response.writeHead(404, { "x-error-code": code }).end();
        return true;
      };
      expect(await failureOf(() => load())).toMatchObject({ code: error });
    }
  });

  test("needs nothing to be written: not even what a branch's commit is", async () => {
    await load();
    const ref = join(repository(), "refs", "main");
    await rm(ref);
    // The existing entry cannot be replaced.
    await mkdir(join(ref, "in the way"), { recursive: true });
    expect(await load()).toMatchObject({ folder: snapshot() });
    expect(hub.sent()).toHaveLength(2);
  });
});

describe("without a cache", () => {
  test.each(faults)("a hub that answers %s ends in an error of ours, within bounds", async (what, answer) => {
    hub.answer = (_request, response) => {
      answer(response);
      return true;
    };
    const { code, message } = await failureOf(() => load());
    expect(code).toMatch(/^hub\/(?:bad-answer|http-status|unreachable|not-found|unauthorized)$/);
    expect(message).not.toMatch(/Sign in|blocked|later</);
    if (what.includes("page")) expect(message).toMatch(/got a web page\. Check the network/);
  });

  test.each(["list", "head", "get"] as const)("a signal ends the waiting for %s at once", async (kind) => {
    hub.answer = (request) => request.kind === kind;
    const stop = new AbortController();
    const call = load({ limits: usualLimits, signal: stop.signal });
    await vi.waitFor(() => expect(hub.requests.some((request) => request.kind === kind)).toBe(true));
    stop.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
  });

  test.each(["silence", "drip"] as const)(
    "weights that end in %s are resumed, and given up in the end",
    async (kind) => {
      hub.answer = ({ kind: asked, file, from }, response) => {
        if (asked !== "get" || file !== "model.safetensors") return false;
        response.writeHead(from > 0 ? 206 : 200);
        response.write(weights.subarray(from, from + 100_000));
        if (kind === "silence") return true;
        let at = from + 100_000;
        const timer = setInterval(() => void response.write(weights.subarray(at, ++at)), 30);
        response.on("close", () => clearInterval(timer));
        return true;
      };
      expect(await failureOf(() => load({ limits: { ...limits, leastBytes: 150_000 } }))).toMatchObject({
        code: "hub/unreachable",
        message: expect.stringMatching(
          kind === "drip" ? /it sends almost nothing/ : /it stopped sending/,
        ) as string,
      });
      expect(hub.sent().map((sent) => Number(sent.split("@")[1]) > 0)).toEqual([false, false, true]);
    },
  );

  test("a cache that cannot be made is named", async () => {
    const file = join(home, "file");
    await writeFile(file, "in the way");
    const env = { ...options.env, HF_HOME: join(file, "home") };
    expect(await failureOf(() => load({ env }))).toMatchObject({
      code: "hub/cannot-write",
      message: expect.stringMatching(
        /expected a cache that can be written, got ENOTDIR\..*HF_HOME/,
      ) as string,
    });
  });
});

describe("what is cut short in the cache", () => {
  const cut = async (path: string, bytes: Uint8Array) => writeFile(path, bytes.subarray(0, bytes.length - 5));

  test.each([
    ["weights", weights, "model.safetensors"],
    ["a side file", config, "config.json"],
  ])("is fetched again: %s", async (_what, bytes, name) => {
    await load();
    await cut(blob(bytes), bytes);
    expect(await failureOf(() => load({ offline: true }))).toMatchObject({ code: "hub/offline" });
    await load();
    expect(hub.sent().at(-1)).toBe(`${name}@0`);
    await expectWhole();
    expect(hub.sent()).toHaveLength(3);
  });

  test("is known without a note of ours, as in a cache that Python filled", async () => {
    await load();
    await rm(join(repository(), ".blip-ts"), { recursive: true });
    await load({ offline: true });
    await cut(blob(weights), weights);
    await cut(blob(config), config);
    await load();
    expect(hub.sent()).toHaveLength(4);
    await expectWhole();
    // The correct length, but other content.
    await rm(join(repository(), ".blip-ts"), { recursive: true });
    await writeFile(blob(config), Buffer.alloc(config.length));
    await load();
    expect(hub.sent().at(-1)).toBe("config.json@0");
    await expectWhole();
  });

  test("is known of a zip archive by its missing end", async () => {
    const zip = Buffer.concat([
      Buffer.from("PK\x03\x04"),
      Buffer.alloc(2000, 1),
      Buffer.from("PK\x05\x06"),
      Buffer.alloc(18),
    ]);
    hub.files.delete("model.safetensors");
    hub.files.set("pytorch_model.bin", zip);
    await load();
    await rm(join(repository(), ".blip-ts"), { recursive: true });
    await load({ offline: true });
    await cut(blob(zip), zip.subarray(0, 1500));
    await load();
    expect(hub.sent().filter((sent) => sent === "pytorch_model.bin@0")).toHaveLength(2);
  });

  test("a link that leads elsewhere is made again", async () => {
    await load();
    const path = join(snapshot(), "model.safetensors");
    await rm(path);
    await symlink("../../blobs/.", path);
    await load();
    expect(await readlink(path)).toBe(join("..", "..", "blobs", etagOf(weights)));
    expect(hub.sent()).toHaveLength(2);
  });
});

describe("bytes that are not the file's", () => {
  const sendInstead = (answer: (from: number, response: ServerResponse) => void) => {
    hub.answer = ({ kind, file, from }, response) => {
      if (kind !== "get" || file !== "model.safetensors") return false;
      answer(from, response);
      return true;
    };
  };
  const part = () => join(repository(), "blobs", `${etagOf(weights)}.incomplete`);
  const beginWith = async (bytes: Uint8Array) => {
    await mkdir(join(repository(), "blobs"), { recursive: true });
    await writeFile(part(), bytes);
  };

  test("more of them than were said are discarded", async () => {
    // Without an end: excess bytes are not awaited.
    sendInstead((_from, response) => void response.write(Buffer.concat([weights, weights])));
    expect(await failureOf(() => load())).toMatchObject({ code: "hub/corrupt-download" });
    expect(await readdir(join(repository(), "blobs"))).toEqual([etagOf(config)]);
  });

  test("fewer of them than were said, by the server's own count, are discarded", async () => {
    sendInstead((_from, response) => void response.end(weights.subarray(0, 1000)));
    expect(await failureOf(() => load())).toMatchObject({ code: "hub/corrupt-download" });
    expect(await readdir(join(repository(), "blobs"))).toEqual([etagOf(config)]);
  });

  test("a part from another place, or of another whole, is not joined", async () => {
    await beginWith(weights.subarray(0, 1000));
    sendInstead((from, response) => {
      if (from === 0) response.end(weights);
      else response.writeHead(206, { "content-range": `bytes 7-9/${weights.length}` }).end("abc");
    });
    await load();
    await expectWhole();
    expect(hub.sent().slice(1)).toEqual(["model.safetensors@1000", "model.safetensors@0"]);
  });

  test("a part that is no part of the file is discarded, and the file fetched from its beginning", async () => {
    await beginWith(Buffer.alloc(1000, 1));
    await load();
    await expectWhole();
    expect(hub.sent().slice(1)).toEqual(["model.safetensors@1000", "model.safetensors@0"]);
  });

  test("a part that is too long, or that the server knows nothing of, is begun again", async () => {
    await beginWith(Buffer.alloc(weights.length + 1, 1));
    await load();
    await rm(home, { recursive: true });
    await beginWith(weights.subarray(0, 1000));
    sendInstead((from, response) => {
      if (from > 0) response.writeHead(416).end();
      else response.end(weights);
    });
    await load();
    await expectWhole();
  });
});

test("an answer that nobody wants is cancelled, however long its body is", async () => {
  let closed = 0;
  hub.answer = (_request, response) => {
    response.writeHead(404, { "x-error-code": "RepoNotFound" });
    response.write("never ");
    response.on("close", () => closed++);
    return true;
  };
  expect(await failureOf(() => load())).toMatchObject({ code: "hub/not-found" });
  await vi.waitFor(() => expect(closed).toBe(1));
});

describe("what killed processes left", () => {
  test("goes with the next load, and what others still write stays", async () => {
    await load();
    const ended = partialEnding().replace(`-${process.pid}-`, "-999999999-");
    const locks = join(home, "hub", ".locks", "models--someone--blip-tiny");
    const old = new Date(Date.now() - 25 * 3_600_000);
    const left = [join(repository(), `.tmp${ended}`), join(repository(), "blobs", "abc.incomplete")];
    for (const path of left) await writeFile(path, "left");
    await utimes(left[1] ?? "", old, old);
    await writeFile(join(locks, "abc.blip-ts.lock"), "");
    await utimes(join(locks, "abc.blip-ts.lock"), old, old);
    const others = [
      join(repository(), `.tmp${partialEnding()}`),
      join(repository(), "blobs", "def.incomplete"),
    ];
    for (const path of others) await writeFile(path, "still written");
    await load();
    const names = await below(home);
    for (const path of left) expect(names).not.toContain(path.slice(home.length + 1));
    for (const path of others) expect(names).toContain(path.slice(home.length + 1));
    expect(await readdir(locks)).toEqual([]);
  });
});
