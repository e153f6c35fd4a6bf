// What the cases from the field share: a folder that is also the Hub's home, and a row's type.
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, vi } from "vitest";
import { Folder } from "./files.ts";

/** Makes a folder for the tests of the calling file. */
export function caseFolder(): Folder {
  const folder = new Folder(mkdtempSync(join(tmpdir(), "blip-cases-")));
  beforeAll(() => void vi.stubEnv("HF_HOME", folder.at("home")));
  afterAll(async () => {
    vi.unstubAllEnvs();
    await rm(folder.path, { recursive: true, force: true });
  });
  return folder;
}

export const containing = (text: string) => expect.stringContaining(text) as unknown;

/** A row: what was tried, the call, and the right value. */
export type Case = readonly [row: string, tried: string, call: () => unknown, right: unknown];
