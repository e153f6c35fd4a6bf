// Lets one process at a time fetch a file of the cache. The lock is a file that names its owner; a live owner touches
// the file regularly. Another process takes over a lock if the owner is gone or no longer touches the file.
// Python's own locks are fcntl locks, which Node cannot use. This lock has a different name, and Python ignores it.
//
// The lock only avoids duplicate work. Every writer of a partial file writes the same bytes at the same offsets, and a
// download is verified and then renamed in one step.
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isGone, thisOwner, type Owner } from "../process-owner.ts";

/** Times in milliseconds. */
export interface LockTimes {
  /** The interval at which the owner touches its lock. */
  readonly heartbeat: number;
  /** How long a lock must be untouched before a waiter considers it stale. */
  readonly stale: number;
  /** The interval at which waiters check the lock. */
  readonly poll: number;
}

export interface LockOptions {
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Whether the work is already done, so that the lock is no longer needed. */
  readonly isDone: () => Promise<boolean>;
  /** Called repeatedly while another process holds the lock. */
  readonly onWait?: (() => void | Promise<void>) | undefined;
  readonly times?: LockTimes | undefined;
}

/** A held lock. */
export interface TransferLock {
  /**
   * Aborts when another process has taken over the lock, because this process seemed gone (for example, suspended).
   */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/** Owners touch their locks every 2 seconds, so a lock untouched for this long is abandoned. */
const sweptMilliseconds = 600_000;

const usualTimes: LockTimes = { heartbeat: 2_000, stale: 30_000, poll: 100 };

/** The owner of a lock. */
interface LockOwner extends Owner {
  readonly id: string;
}

/** The current content and time of a lock file. */
interface Found {
  readonly text: string;
  readonly touched: number;
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

function ownerOf(text: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<LockOwner> | null;
    const { id, host: machine, pid, started } = owner ?? {};
    if (typeof id !== "string" || typeof machine !== "string") return undefined;
    if (!Number.isSafeInteger(pid) || Number(pid) < 1 || typeof started !== "number") return undefined;
    return { id, host: machine, pid: Number(pid), started };
  } catch {
    // The owner has not written the file yet, or died before it did.
    return undefined;
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

/** Creates a lock file; undefined if one already exists. */
async function create(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "wx");
  } catch (error) {
    // Windows reports EPERM or EBUSY for a file that is being removed.
    const taken =
      codeOf(error) === "EEXIST" || (process.platform === "win32" && (await look(path)) !== undefined);
    if (taken) return undefined;
    throw error;
  }
  const owner: LockOwner = { id: randomUUID(), ...thisOwner() };
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
 * Removes a lock whose owner is gone. No file operation compares and removes in one step, so a guard file lets one
 * process at a time do both. Without it, a second process would remove the lock that the first has created in between.
 * @returns whether the lock is gone
 */
export async function removeStale(path: string, { text }: Found, stale: number): Promise<boolean> {
  const guard = `${path}.guard`;
  const file = await create(guard);
  if (!file) {
    // A guard is held only briefly, unless its owner was killed.
    const current = await look(guard);
    if (current && (isGone(ownerOf(current.text)) || Date.now() - current.touched > stale))
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

/** The lock to use if no lock file can be created (a folder of another user): the transfer runs unlocked. */
const noLock = (): TransferLock => ({
  lost: new AbortController().signal,
  release: () => Promise.resolve(),
});
/** Whether no lock can be created. On a read-only file system, Node's recursive mkdir reports ENOENT. */
const cannotLock = (error: unknown): boolean => error instanceof Error && "syscall" in error;

/**
 * Waits for a lock.
 * @returns the lock; undefined if the work is already done
 */
export async function lockTransfer(path: string, options: LockOptions): Promise<TransferLock | undefined> {
  const { heartbeat, stale, poll } = options.times ?? usualTimes;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await waitFor(path, options, stale, poll);
    return file && new HeldLock(path, file, heartbeat);
  } catch (error) {
    options.signal.throwIfAborted();
    if (cannotLock(error)) return noLock();
    throw error;
  }
}

/**
 * Takes a lock without waiting for its owner; takes over a lock whose owner is gone.
 * @returns the lock, or the process that holds it
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
    const isStale = isGone(owner) || Date.now() - found.touched > stale;
    if (!isStale) return { owner: String(owner?.pid ?? "that has just begun") };
    if (!(await removeStale(path, found, stale))) await sleep(poll);
  }
}

/** Removes the locks in a folder whose owners are gone, and locks untouched for a long time. */
export async function sweepLocks(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    const found = /\.blip-ts\.lock(?:\.guard)?$/.test(name)
      ? await look(path).catch(() => undefined)
      : undefined;
    if (!found) continue;
    if (!isGone(ownerOf(found.text)) && Date.now() - found.touched < sweptMilliseconds) continue;
    if (name.endsWith(".guard")) await rm(path, { force: true }).catch(() => undefined);
    else await removeStale(path, found, usualTimes.stale).catch(() => undefined);
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
    const isStale = isGone(ownerOf(current.text)) || performance.now() - before.since > stale;
    if (isStale && (await removeStale(path, current, stale))) continue;
    await onWait?.();
    await sleep(poll, undefined, { signal });
  }
}
