// Names, sizes and credentials from a misbehaving hub or environment: what is refused, and what no message quotes.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { failureOf } from "@blip-ts/testing";
import { describe, expect, test } from "vitest";
import {
  expectWhole,
  home,
  hub,
  load,
  options,
  repository,
  restartHub,
  useHostileHub,
  weights,
} from "../../../../test/support/hostile-hub.ts";
import { hubCommit } from "../../../../test/support/scripted-hub.ts";
import { downloadModel } from "./download-model.ts";

useHostileHub();

describe("names", () => {
  test.each([
    "../../../../evil-ref",
    "..",
    "a/../../b",
    "..\\..\\evil",
    "C:\\evil",
    "c:evil",
    "/etc/passwd",
    "a//b",
    "",
    "nul",
    "refs/COM1.txt",
    "main.",
    "main ",
    "a\0b",
    "x".repeat(300),
  ])("a revision %j is refused before anything is asked", async (revision) => {
    expect(await failureOf(() => load({ revision }))).toMatchObject({ code: "hub/bad-revision" });
    expect(hub.requests).toEqual([]);
    expect(await readdir(home)).toEqual([]);
  });

  test("a revision of the Hub's own forms is taken", async () => {
    for (const revision of ["refs/pr/12", "v1.0.2+cu118", "feature#7"]) {
      await load({ revision });
      expect(await readFile(join(repository(), "refs", ...revision.split("/")), "utf8")).toBe(hubCommit);
    }
  });

  test.each([
    "..\\..\\x.pth",
    "C:x.pth",
    "x.pth.",
    "nul.pth",
    "../x.pth",
    "a\u202ex.pth",
    `${"x".repeat(300)}.pth`,
  ])("a file %j of the hub is none of the model's", async (name) => {
    hub.files.clear();
    hub.files.set(name, weights);
    const { code, message } = await failureOf(() => load());
    expect(code).toBe("hub/no-weights");
    expect(message).not.toContain(name);
  });

  test.each([".", "..", "a/b", "nul", "x".repeat(5000), "a\u00e9", ""])(
    "an etag %j is refused",
    async (etag) => {
      hub.answer = ({ kind }, response) => {
        if (kind !== "head") return false;
        response.setHeader("etag", Buffer.from(`"${etag}"`).toString("latin1"));
        response.writeHead(200, { "content-length": 10 }).end();
        return true;
      };
      expect(await failureOf(() => load())).toMatchObject({ code: "hub/bad-answer" });
      await restartHub();
      await load({ env: { ...options.env, HF_ENDPOINT: hub.origin } });
      await expectWhole();
    },
  );

  test.each([
    ["-5", "hub/bad-answer"],
    ["many", "hub/bad-answer"],
    ["1e3", "hub/bad-answer"],
    ["999999999999999", "hub/file-too-large"],
    ["999999999", "model/side-file-too-large"],
  ])("a size of %s is refused", async (size, code) => {
    hub.answer = ({ kind }, response) => {
      if (kind !== "head") return false;
      response.writeHead(200, { "x-linked-etag": "abc", "x-linked-size": size }).end();
      return true;
    };
    expect(await failureOf(() => load())).toMatchObject({ code });
    expect(hub.sent()).toEqual([]);
  });
});

describe("credentials", () => {
  test("of HF_ENDPOINT are sent to it, and stand in no message", async () => {
    const endpoint = hub.origin.replace("//", "//user:secret%40word@");
    const env = { ...options.env, HF_ENDPOINT: endpoint };
    await load({ env });
    const expected = `Basic ${Buffer.from("user:secret@word").toString("base64")}`;
    expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(new Set([expected]));
    await hub.close();
    const { message, fields } = await failureOf(() => downloadModel("someone/other", { ...options, env }));
    expect(message + JSON.stringify(fields)).not.toMatch(/secret/);
  });

  test.each(["hf_secret\nnext", "hf_secret\u201d", "hf secret"])(
    "a token %j that no header takes is not quoted",
    async (token) => {
      const error = await failureOf(() => load({ env: { ...options.env, HF_TOKEN: token } }));
      expect(error).toMatchObject({ code: "hub/bad-token" });
      expect(error.message).not.toMatch(/secret/);
    },
  );

  test.each(["nowhere", "ftp://user:secret@example.com", "http://", "https://example.com/?token=secret"])(
    "an endpoint %j that is none is refused, and not quoted",
    async (endpoint) => {
      const error = await failureOf(() => load({ env: { ...options.env, HF_ENDPOINT: endpoint } }));
      expect(error).toMatchObject({ code: "hub/bad-endpoint" });
      expect(error.message).not.toMatch(/secret/);
    },
  );
});
