// File systems that are full, and those that may only be read: real ones, a megabyte in memory each. Mounting asks for root
// on Linux; elsewhere these tests are left out.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { hubId, serveScriptedHub, type ScriptedHub } from "./support/scripted-hub.ts";

const program = fileURLToPath(new URL("../bin/blip.js", import.meta.url));
const scene = fileURLToPath(new URL("../../../examples/scenes/01.png", import.meta.url));
const rowsOf = (stdout: string) => JSON.parse(stdout) as unknown[];

let disk = "";
const mount = (...args: string[]) => void execFileSync("mount", args, { stdio: "ignore" });
const resize = (options: string) => mount("-o", `remount,${options}`, disk);
const canMount = (): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const probe = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]);
  return probe.status === 0;
};

describe.skipIf(!canMount())("the Hub's cache", () => {
  let hub: ScriptedHub;
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), "blip-disk-"));
    mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", disk);
    const folder = fixture("tiny/match");
    const names = await readdir(folder);
    const files = await Promise.all(
      names.map(async (name) => [name, await readFile(join(folder, name))] as const),
    );
    hub = await serveScriptedHub(Object.fromEntries(files));
  });
  afterEach(async () => {
    await hub.close();
    execFileSync("umount", [disk]);
    await rm(disk, { recursive: true });
  });

  /** The command in a process of its own. */
  const match = async (...more: string[]) => {
    const args = [program, "match", scene, "-t", "a dog", "--model", hubId, "--json", ...more];
    const env = { ...process.env, HF_HOME: join(disk, "home"), HF_ENDPOINT: hub.origin };
    return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      });
    });
  };

  test("on a full disk is named, exit 3; with room again the download goes on", async () => {
    const { code, stdout, stderr } = await match();
    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(
      /expected a cache that can be written, got ENOSPC \(the disk is full\)\. Free some room/,
    );
    resize("size=20m");
    expect(rowsOf((await match("--quiet")).stdout)).toHaveLength(1);
    const resumed = hub.sent().filter((sent) => /model\.safetensors@[1-9]/.test(sent));
    expect(resumed).toHaveLength(1);
  });

  test("that may only be read is used, in 8 bits too, with the hub and without", async () => {
    resize("size=20m");
    const expected = rowsOf((await match("--quiet")).stdout);
    resize("ro");
    expect(await match("--quiet")).toMatchObject({ code: 0, stderr: "" });
    expect(rowsOf((await match("--quiet")).stdout)).toEqual(expected);
    const int8 = await match("--dtype", "int8");
    expect(int8.code).toBe(0);
    expect(int8.stderr).toMatch(/the converted weights stay in memory.*cannot be written/);
    expect(rowsOf((await match("--quiet", "--offline")).stdout)).toEqual(expected);
  });

  test("that may only be read and holds nothing is named, exit 3", async () => {
    resize("ro");
    const { code, stderr } = await match();
    expect(code).toBe(3);
    expect(stderr).toMatch(/expected a cache that can be written, got E\w+\. Change its permissions/);
  });
});
