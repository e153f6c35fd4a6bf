// The paths of the caches, from the names and forms that Python's library reads.
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expandPath } from "./expand-path.ts";
import { hubHome, readSettings } from "./hub-cache.ts";

const env = { HOME: "/home/me", DATA: "/data", EMPTY: "" };

test.each([
  ["~", "/home/me"],
  ["~/hf", "/home/me/hf"],
  ["$HOME/hf", "/home/me/hf"],
  ["${DATA}/hf", "/data/hf"],
  ["/a/$DATA.x/$EMPTY/b", "/a//data.x//b"],
  ["/a/$UNKNOWN/${UNKNOWN}", "/a/$UNKNOWN/${UNKNOWN}"],
  ["/a/~/b", "/a/~/b"],
  ["~other/hf", "~other/hf"],
  ["~$DATA", "~/data"],
])("%s is %s", (path, expanded) => {
  expect(expandPath(path, env)).toBe(expanded);
});

test("without HOME, ~ is the user's own folder", () => {
  expect(expandPath("~/hf", {})).toBe(`${homedir()}/hf`);
});

describe("readSettings", () => {
  const cacheOf = async (more: Record<string, string>) => (await readSettings({ ...env, ...more })).cache;

  test("HF_HOME, XDG_CACHE_HOME, HF_HUB_CACHE and its old name are expanded; empty ones count as none", async () => {
    expect(hubHome({ ...env, HF_HOME: "~/hf" })).toBe("/home/me/hf");
    expect(hubHome({ ...env, XDG_CACHE_HOME: "$DATA/cache" })).toBe(join("/data/cache", "huggingface"));
    expect(await cacheOf({ HF_HOME: "$HOME/hf" })).toBe(join("/home/me/hf", "hub"));
    expect(await cacheOf({ HUGGINGFACE_HUB_CACHE: "~/old" })).toBe("/home/me/old");
    expect(await cacheOf({ HUGGINGFACE_HUB_CACHE: "~/old", HF_HUB_CACHE: "~/new" })).toBe("/home/me/new");
    expect(await cacheOf({ HF_HOME: "", HF_HUB_CACHE: "" })).toBe(
      join(homedir(), ".cache", "huggingface", "hub"),
    );
  });

  test("a token has an old name, too", async () => {
    expect(await readSettings({ ...env, HUGGING_FACE_HUB_TOKEN: "hf_old" })).toMatchObject({
      authorization: "Bearer hf_old",
      hasToken: true,
    });
  });
});
