// One process at a time fetches a file of the cache. The lock is a file that names its owner and is touched while the owner
// lives: one whose process is gone, or that is touched no more, is taken over. Python's own locks are fcntl locks, which
// Node has no call for; ours lies beside them, under a name of its own, and Python takes no notice of it.
//
// Nothing depends on it but that work is not done twice: whoever writes a part writes the same bytes at the same place, what
// was fetched is verified, and gets its name in one step.
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, readlink, rm, stat, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** In milliseconds. */
export interface LockTimes {
  /** How often the owner touches its lock. */
  readonly heartbeat: number;
  /** For how long it may be untouched, as the one who waits sees it. */
  readonly stale: number;
  /** How often those who wait look again. */
  readonly poll: number;
}

export interface LockOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Is there nothing left to do? Then the lock is not wanted. */
  readonly isDone: () => Promise<boolean>;
  /** Called again and again while another process has it. */
  readonly onWait?: (() => void | Promise<void>) | undefined;
  readonly times?: LockTimes | undefined;
}

/** A lock that is held. */
export interface TransferLock {
  /** Aborts where another process has taken it over, because this one seemed to be gone (it was asleep). */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

const usualTimes: LockTimes = { heartbeat: 2_000, stale: 30_000, poll: 100 };

interface Owner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970 at which the process began. */
  readonly started: number;
}

/** What lies at a lock's place. */
interface Found {
  readonly text: string;
  readonly touched: number;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

/** The machine, and in a container its own numbers of processes: only there does a number say who lives. */
const host = async (): Promise<string> =>
  `${hostname()} ${await readlink("/proc/self/ns/pid").catch(() => "")}`;

const processStart = () => Math.round(Date.now() - process.uptime() * 1000);
/** By how much two readings of it may differ: clocks are set. */
const startTolerance = 5_000;

function ownerOf(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner> | null;
    const { id, host: machine, pid, started } = owner ?? {};
    if (typeof id !== "string" || typeof machine !== "string") return undefined;
    if (!Number.isSafeInteger(pid) || Number(pid) < 1 || typeof started !== "number") return undefined;
    return { id, host: machine, pid: Number(pid), started };
  } catch {
    // Its owner has not written it yet, or never will.
    return undefined;
  }
}

/** Is it sure that the owner is gone? */
async function isGone(owner: Owner | undefined): Promise<boolean> {
  if (owner?.host !== (await host())) return false;
  // A container's first process has the same number each time.
  if (owner.pid === process.pid) return Math.abs(owner.started - processStart()) > startTolerance;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

async function look(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    return { text, touched: mtimeMs };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** A lock file of one's own; undefined where there is one already. */
async function create(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "wx");
  } catch (error) {
    // Windows says EPERM or EBUSY of one that is being removed.
    const taken =
      codeOf(error) === "EEXIST" || (process.platform === "win32" && (await look(path)) !== undefined);
    if (taken) return undefined;
    throw error;
  }
  const owner: Owner = { id: randomUUID(), host: await host(), pid: process.pid, started: processStart() };
  try {
    await file.writeFile(JSON.stringify(owner));
    return file;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Removes a lock whose owner is gone. No call compares and removes in one step, so that a guard lets one process at a time do
 * both: without it, the second one would remove the lock that the first has made in between.
 * @returns is it there no more?
 */
export async function removeStale(path: string, { text }: Found, stale: number): Promise<boolean> {
  const guard = `${path}.guard`;
  const file = await create(guard);
  if (!file) {
    // Held for a moment, unless its owner was killed in that.
    const current = await look(guard);
    if (current && ((await isGone(ownerOf(current.text))) || Date.now() - current.touched > stale))
      await rm(guard, { force: true });
    return false;
  }
  try {
    const current = await look(path);
    if (current?.text === text) await rm(path, { force: true });
    return true;
  } finally {
    await file.close();
    await rm(guard, { force: true });
  }
}

class HeldLock implements TransferLock {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #lost = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #beat: Promise<void> = Promise.resolve();

  constructor(path: string, file: FileHandle, heartbeat: number) {
    this.#path = path;
    this.#file = file;
    this.#timer = setInterval(() => {
      this.#beat = this.#beat.then(() => this.#touch()).catch(() => undefined);
    }, heartbeat);
    this.#timer.unref();
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beat;
    try {
      if (await this.#isOurs()) await rm(this.#path, { force: true });
    } finally {
      await this.#file.close();
    }
  }

  async #touch(): Promise<void> {
    const now = new Date();
    await this.#file.utimes(now, now);
    if (!(await this.#isOurs())) this.#lost.abort(new Error("another process has taken the lock over"));
  }

  async #isOurs(): Promise<boolean> {
    const [own, found] = await Promise.all([
      this.#file.stat({ bigint: true }),
      stat(this.#path, { bigint: true }).catch(() => undefined),
    ]);
    return found?.ino === own.ino && found.dev === own.dev;
  }
}

/** Where no lock can be made (a folder of another user), the transfer goes on without. */
const noLock = (): TransferLock => ({
  lost: new AbortController().signal,
  release: () => Promise.resolve(),
});
const cannotLock = new Set(["EACCES", "EPERM", "EROFS", "ENOSYS", "ENOTSUP", "EDQUOT", "ENOSPC"]);

/**
 * Waits for a lock.
 * @returns undefined where nothing is left to do
 */
export async function lockTransfer(path: string, options: LockOptions): Promise<TransferLock | undefined> {
  const { heartbeat, stale, poll } = options.times ?? usualTimes;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await waitFor(path, options, stale, poll);
    return file && new HeldLock(path, file, heartbeat);
  } catch (error) {
    options.signal.throwIfAborted();
    if (cannotLock.has(codeOf(error) ?? "")) return noLock();
    throw error;
  }
}

/**
 * Takes a lock without waiting for its owner; one whose owner is gone is taken over.
 * @returns the lock, or the process that has it
 */
export async function lockNow(
  path: string,
  { heartbeat, stale, poll }: LockTimes = usualTimes,
): Promise<TransferLock | { readonly owner: string }> {
  for (;;) {
    const file = await create(path);
    if (file) return new HeldLock(path, file, heartbeat);
    const found = await look(path);
    if (!found) continue;
    const owner = ownerOf(found.text);
    const isStale = (await isGone(owner)) || Date.now() - found.touched > stale;
    if (!isStale) return { owner: String(owner?.pid ?? "that has just begun") };
    if (!(await removeStale(path, found, stale))) await sleep(poll);
  }
}

async function waitFor(
  path: string,
  { signal, isDone, onWait }: LockOptions,
  stale: number,
  poll: number,
): Promise<FileHandle | undefined> {
  let before: (Found & { readonly since: number }) | undefined;
  for (;;) {
    signal.throwIfAborted();
    const file = await create(path);
    if (file) return file;
    if (await isDone()) return undefined;
    const current = await look(path);
    if (!current) continue;
    const unchanged = before?.text === current.text && before.touched === current.touched;
    before = { ...current, since: unchanged && before ? before.since : performance.now() };
    const isStale = (await isGone(ownerOf(current.text))) || performance.now() - before.since > stale;
    if (isStale && (await removeStale(path, current, stale))) continue;
    await onWait?.();
    await sleep(poll, undefined, { signal });
  }
}
