// Whose something is: the machine, the process, and when that began. What a killed process leaves behind is known by it.
import { createHash, randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { BlipError } from "@blip-ts/base";

export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** Milliseconds since 1970 at which the process began. */
  readonly started: number;
}

/** The machine, and in a container its own numbers of processes: only there does a number say who lives. */
function readHost(): string {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Another system than Linux.
  }
  return `${hostname()} ${namespace}`;
}

let host: string | undefined;
const thisHost = (): string => (host ??= readHost());

const processStart = () => Math.round(Date.now() - process.uptime() * 1000);
/** By how much two readings of it may differ: clocks are set. */
const startTolerance = 5_000;

/** This process. */
export const thisOwner = (): Owner => ({ host: thisHost(), pid: process.pid, started: processStart() });

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

/** Is it sure that the owner is gone? */
export function isGone(owner: Owner | undefined): boolean {
  if (owner?.host !== thisHost()) return false;
  // A container's first process has the same number each time.
  if (owner.pid === process.pid) return Math.abs(owner.started - processStart()) > startTolerance;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
}

const hostTag = () => createHash("sha256").update(thisHost()).digest("hex").slice(0, 8);
const mark = ".partial-";
const owned = /\.partial-([0-9a-f]{8})-(\d{1,10})-([0-9a-z]{1,10})-[0-9a-f-]{36}$/;
/** What nobody has touched for so long is nobody's, whoever made it. */
const abandonedMilliseconds = 24 * 3_600_000;

/** The end of the name of what this process has begun: `.partial-HOST-PID-START-UUID`. */
export function partialEnding(): string {
  const { pid, started } = thisOwner();
  return `${mark}${hostTag()}-${pid}-${started.toString(36)}-${randomUUID()}`;
}

export const isPartial = (name: string): boolean => name.includes(mark);

/**
 * Is it what a process began that is no more?
 * @param touched milliseconds since 1970 of its last change
 */
export function isAbandoned(name: string, touched: number): boolean {
  if (!isPartial(name)) return false;
  if (Date.now() - touched > abandonedMilliseconds) return true;
  const [, tag, pid, started] = owned.exec(name) ?? [];
  if (tag !== hostTag() || pid === undefined || started === undefined) return false;
  return isGone({ host: thisHost(), pid: Number(pid), started: parseInt(started, 36) });
}

/** Removes what ended processes have begun to write in a folder. That something cannot be removed is no failure. */
export async function sweepPartials(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isPartial(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && isAbandoned(name, found.mtimeMs))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Is it the system's answer to reading or writing a file? */
export const isOfTheDisk = (error: unknown): error is Error =>
  error instanceof Error && "syscall" in error && !(error instanceof BlipError);
