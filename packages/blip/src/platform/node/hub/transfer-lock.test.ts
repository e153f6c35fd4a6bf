// Locks between processes: one owner at a time, and never one whose process is gone.
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { lockNow, lockTransfer, removeStale, type LockOptions, type TransferLock } from "./transfer-lock.ts";

const times = { heartbeat: 20, stale: 400, poll: 5 };
const options = (): LockOptions => ({
  signal: new AbortController().signal,
  isDone: () => Promise.resolve(false),
  times,
});

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-lock-"));
  path = join(folder, "locks", "file.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function lock(more: Partial<LockOptions> = {}): Promise<TransferLock> {
  const held = await lockTransfer(path, { ...options(), ...more });
  if (!held) throw new Error("there was nothing to do");
  return held;
}

/** An owner's file as this process would write it, with some fields changed. */
async function ownerFile(change: object): Promise<string> {
  const held = await lock();
  const text = await readFile(path, "utf8");
  await held.release();
  return JSON.stringify({ ...(JSON.parse(text) as object), ...change });
}

/** The id of a process that has ended. */
const endedProcess = () => spawnSync(process.execPath, ["-e", ""]).pid;

describe("lockTransfer", () => {
  test("lets one in at a time, also where all come at once", async () => {
    let inside = 0;
    let most = 0;
    const work = async () => {
      const held = await lock();
      most = Math.max(most, ++inside);
      await sleep(5);
      inside--;
      await held.release();
    };
    await Promise.all(Array.from({ length: 12 }, work));
    expect(most).toBe(1);
    expect(await readdir(join(folder, "locks"))).toEqual([]);
  });

  test("does not wait for what somebody else has done", async () => {
    const first = await lock();
    let done = false;
    const second = lockTransfer(path, { ...options(), isDone: () => Promise.resolve(done) });
    done = true;
    expect(await second).toBeUndefined();
    await first.release();
  });

  test("ends its waiting where the signal says so", async () => {
    const first = await lock();
    const stop = new AbortController();
    let looks = 0;
    const second = lock({
      signal: stop.signal,
      onWait: () => {
        looks++;
      },
    });
    setTimeout(() => stop.abort(new Error("enough")), 50);
    await expect(second).rejects.toThrow("enough");
    expect(looks).toBeGreaterThan(1);
    await first.release();
  });

  test("leaves an owner that lives alone, however long it takes", async () => {
    const first = await lock();
    const second = lockTransfer(path, { ...options(), signal: AbortSignal.timeout(3 * times.stale) });
    await expect(second).rejects.toThrow();
    expect(first.lost.aborted).toBe(false);
    await first.release();
  });

  test("takes over at once from a process that is gone", async () => {
    const text = await ownerFile({ pid: endedProcess() });
    await writeFile(path, text);
    const held = await lock({ times: { ...times, stale: 60_000 } });
    expect(await readFile(path, "utf8")).not.toBe(text);
    await held.release();
  });

  test("takes over from a process that had this one's number", async () => {
    await writeFile(path, await ownerFile({ started: Date.now() - 3_600_000 }));
    const held = await lock({ times: { ...times, stale: 60_000 } });
    await held.release();
  });

  test.each([
    ["of another machine", { host: `${hostname()}-other`, pid: 1 }],
    ["whose number another process has now", { pid: process.ppid }],
  ])("takes over from an owner %s when it is touched no more", async (_, change) => {
    await writeFile(path, await ownerFile(change));
    // The lock is still touched for a while.
    const owner = { alive: true };
    const touching = setInterval(() => void utimes(path, new Date(), new Date()), 20);
    setTimeout(() => {
      owner.alive = false;
      clearInterval(touching);
    }, times.stale);
    const held = await lock();
    expect(owner.alive).toBe(false);
    await held.release();
  });

  test("takes over from one that ended before it wrote its name", async () => {
    await writeFile(path, await ownerFile({}));
    await writeFile(path, "");
    const held = await lock();
    await held.release();
  });

  test("lets one in where many find the same stale lock", async () => {
    for (let turn = 0; turn < 5; turn++) {
      await writeFile(path, await ownerFile({ pid: endedProcess() }));
      let inside = 0;
      let most = 0;
      const work = async () => {
        const held = await lock();
        most = Math.max(most, ++inside);
        await sleep(1);
        if (!held.lost.aborted) inside--;
        await held.release();
      };
      await Promise.all(Array.from({ length: 8 }, work));
      expect(most).toBe(1);
    }
    expect(await readdir(join(folder, "locks"))).toEqual([]);
  });

  test("removes no lock that was made since the stale one was looked at", async () => {
    const text = await ownerFile({ pid: endedProcess() });
    const held = await lock();
    const own = await readFile(path, "utf8");
    expect(await removeStale(path, { text, touched: 0 }, times.stale)).toBe(true);
    expect(await readFile(path, "utf8")).toBe(own);
    await held.release();
  });

  test("takes over where who took over was killed in that", async () => {
    const text = await ownerFile({ pid: endedProcess() });
    await writeFile(path, text);
    await writeFile(`${path}.guard`, text);
    const held = await lock({ times: { ...times, stale: 60_000 } });
    await held.release();
    expect(await readdir(join(folder, "locks"))).toEqual([]);
  });

  test("tells an owner that slept that its lock was taken over, and leaves the new one alone", async () => {
    const first = await lock();
    await rm(path);
    const second = await lock();
    await vi.waitFor(() => expect(first.lost.aborted).toBe(true), { timeout: 15_000 });
    expect(second.lost.aborted).toBe(false);
    await first.release();
    expect(await readdir(join(folder, "locks"))).toHaveLength(1);
    await second.release();
  });
});

describe("lockNow", () => {
  /** Takes the lock and releases it again; false if it is held. */
  async function taken(): Promise<boolean> {
    const found = await lockNow(path, times);
    if ("owner" in found) return false;
    await found.release();
    return true;
  }

  test("says which process has it, and waits for none", async () => {
    const held = await lock();
    expect(await lockNow(path, times)).toEqual({ owner: String(process.pid) });
    await held.release();
    expect(await taken()).toBe(true);
    expect(await readdir(join(folder, "locks"))).toEqual([]);
  });

  test.each([
    ["whose process has ended", () => ({ pid: endedProcess() })],
    ["of a container's process that had the same number", () => ({ started: Date.now() - 3_600_000 })],
  ])("takes over one %s", async (_, change) => {
    await writeFile(path, await ownerFile(change()));
    expect(await taken()).toBe(true);
  });

  test("takes over another machine's if it is touched no more, not before", async () => {
    await writeFile(path, await ownerFile({ host: "another" }));
    expect(await taken()).toBe(false);
    const before = new Date(Date.now() - 10 * times.stale);
    await utimes(path, before, before);
    expect(await taken()).toBe(true);
  });
});
