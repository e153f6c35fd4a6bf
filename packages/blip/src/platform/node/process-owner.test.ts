// Leftovers of killed processes, and files that other processes still write.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { isAbandoned, isGone, isPartial, partialEnding, thisOwner } from "./process-owner.ts";

/** The id of a process that has ended. */
const endedProcess = () => spawnSync(process.execPath, ["-e", ""]).pid;
const now = Date.now();

/** The name of another process's partial file. */
const begunBy = (pid: number, started = thisOwner().started) =>
  partialEnding()
    .replace(`-${process.pid}-`, `-${pid}-`)
    // The name's own start may be a millisecond away from a second reading.
    .replace(/[0-9a-z]+(?=-[0-9a-f-]{36}$)/, started.toString(36));

describe("isAbandoned", () => {
  test("leaves alone what this process, a living one and another machine have begun", () => {
    expect(isPartial(`x${partialEnding()}`)).toBe(true);
    expect(isAbandoned(`x${partialEnding()}`, now)).toBe(false);
    expect(isAbandoned(`x${begunBy(process.ppid)}`, now)).toBe(false);
    const elsewhere = begunBy(endedProcess()).replace(/-[0-9a-f]{8}-/, "-00000000-");
    expect(isAbandoned(`x${elsewhere}`, now)).toBe(false);
  });

  test("finds at once what an ended process has begun, also one that had this one's number", () => {
    expect(isAbandoned(`x${begunBy(endedProcess())}`, now)).toBe(true);
    expect(isAbandoned(`x${begunBy(process.pid, now - 3_600_000 * 5)}`, now)).toBe(true);
  });

  test("finds what nobody has touched for more than a day, and nothing that is no partial", () => {
    const old = now - 25 * 3_600_000;
    expect(isAbandoned("x.partial-somebody", old)).toBe(true);
    expect(isAbandoned("x.partial-somebody", now - 23 * 3_600_000)).toBe(false);
    expect(isAbandoned("model.safetensors", 0)).toBe(false);
  });
});

test("an owner of another machine is never known to be gone", () => {
  expect(isGone({ ...thisOwner(), host: "another", pid: endedProcess() })).toBe(false);
  expect(isGone({ ...thisOwner(), pid: endedProcess() })).toBe(true);
  expect(isGone(thisOwner())).toBe(false);
  expect(isGone(undefined)).toBe(false);
});
