// Identifies the owner of a file by machine, process and start time, so that leftovers of a killed process are
// recognized.
import { createHash, randomUUID } from "node:crypto";
import { readlinkSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { BlipError } from "@blip-ts/base";

export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** The process's start time, in milliseconds since 1970. */
  readonly started: number;
}

/** The machine, on Linux with its PID namespace, because a process id is valid only within its container. */
function readHost(): string {
  let namespace = "";
  try {
    namespace = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux.
  }
  return `${hostname()} ${namespace}`;
}

let host: string | undefined;
const thisHost = (): string => (host ??= readHost());

const processStart = () => Math.round(Date.now() - process.uptime() * 1000);
/** The most milliseconds by which two readings of the start time may differ, because clocks are adjusted. */
const startTolerance = 5_000;

/** This process as an owner. */
export const thisOwner = (): Owner => ({ host: thisHost(), pid: process.pid, started: processStart() });

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error ? String(error.code) : undefined;

/** Whether the owner is certainly gone. */
export function isGone(owner: Owner | undefined): boolean {
  if (owner?.host !== thisHost()) return false;
  // The first process of a container always has the same process id.
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
/** Partial files untouched for this long are abandoned, whoever created them. */
const abandonedMilliseconds = 24 * 3_600_000;

/** The name ending of this process's partial files: `.partial-HOST-PID-START-UUID`. */
export function partialEnding(): string {
  const { pid, started } = thisOwner();
  return `${mark}${hostTag()}-${pid}-${started.toString(36)}-${randomUUID()}`;
}

export const isPartial = (name: string): boolean => name.includes(mark);

/**
 * Whether a partial file belongs to an ended process.
 * @param touched the time of its last change, in milliseconds since 1970
 */
export function isAbandoned(name: string, touched: number): boolean {
  if (!isPartial(name)) return false;
  if (Date.now() - touched > abandonedMilliseconds) return true;
  const [, tag, pid, started] = owned.exec(name) ?? [];
  if (tag !== hostTag() || pid === undefined || started === undefined) return false;
  return isGone({ host: thisHost(), pid: Number(pid), started: parseInt(started, 36) });
}

/** Removes partial files of ended processes from a folder. Ignores files that cannot be removed. */
export async function sweepPartials(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isPartial(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found && isAbandoned(name, found.mtimeMs))
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Whether an error comes from the operating system's file calls. */
export const isOfTheDisk = (error: unknown): error is Error =>
  error instanceof Error && "syscall" in error && !(error instanceof BlipError);
