// A scripted hub with a tiny model, a home for its cache, and short limits. A test scripts the hub's faults.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { safetensorsOf } from "@blip-ts/testing";
import type { Warning } from "@blip-ts/base";
import { afterEach, beforeEach, expect } from "vitest";
import { downloadModel, type DownloadOptions } from "../../src/platform/node/hub/download-model.ts";
import { usualLimits } from "../../src/platform/node/net/limits.ts";
import { etagOf, hubCommit, hubId, serveScriptedHub, type ScriptedHub } from "./scripted-hub.ts";

export const config = Buffer.from('{"model_type": "blip"}\n');
export const weights = Buffer.from(
  safetensorsOf(
    { x: { dtype: "U8", shape: [300_000], data_offsets: [0, 300_000] } },
    Buffer.alloc(300_000, 7),
  ),
);
export const limits = { ...usualLimits, head: 200, silence: 200, window: 300, text: 400, tries: 2 };

export let hub: ScriptedHub;
export let home = "";
export let warnings: Warning[] = [];
export let options: DownloadOptions & { env: Record<string, string> };
const files = { "config.json": config, "model.safetensors": weights };

/** Serves the hub, with an empty home, for each test of the calling file. */
export function useHostileHub(): void {
  beforeEach(async () => {
    hub = await serveScriptedHub(files);
    home = await mkdtemp(join(tmpdir(), "blip-hostile-"));
    warnings = [];
    options = {
      env: { HF_HOME: home, HF_ENDPOINT: hub.origin },
      pauseMilliseconds: 1,
      limits,
      onWarning: (warning) => void warnings.push(warning),
    };
  });
  afterEach(async () => {
    await hub.close();
    await rm(home, { recursive: true, force: true });
  });
}

/** Closes the hub, and serves another. */
export async function restartHub(): Promise<void> {
  await hub.close();
  hub = await serveScriptedHub(files);
}

export const repository = () => join(home, "hub", "models--someone--blip-tiny");
export const snapshot = () => join(repository(), "snapshots", hubCommit);
export const blob = (bytes: Uint8Array) => join(repository(), "blobs", etagOf(bytes));
export const load = (more: Partial<DownloadOptions> = {}) => downloadModel(hubId, { ...options, ...more });
export async function expectWhole(): Promise<void> {
  expect(weights.equals(await readFile(join(snapshot(), "model.safetensors")))).toBe(true);
  expect(config.equals(await readFile(join(snapshot(), "config.json")))).toBe(true);
}
