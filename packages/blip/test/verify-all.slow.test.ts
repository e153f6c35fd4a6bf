// `blip verify --all --fetch` as anybody with a network runs it, against a hub on this machine with tiny models.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { publishedModels, type VerifyReport } from "blip-ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { serveTinyHub, type TinyHub } from "./support/tiny-hub.ts";

const tiny = (id: string) => (id.includes("itm") ? "match" : id.includes("captioning") ? "caption" : "vqa");
/** All but one, which is then not available. */
const missing = "Salesforce/blip-vqa-capfilt-large";
const models = Object.fromEntries(publishedModels.filter((id) => id !== missing).map((id) => [id, tiny(id)]));

let folder = "";
let hub: TinyHub;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-verify-all-"));
  hub = await serveTinyHub(models, await readFile(fixture("../examples/scenes/09.png")));
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

async function verifyAll(...args: readonly string[]): Promise<Ended> {
  const hosts = pathToFileURL(fixture("../packages/blip/test/support/local-hosts.mjs")).href;
  const all = [
    "--import",
    hosts,
    fixture("../packages/blip/bin/blip.js"),
    "verify",
    "--all",
    ...args,
    "--quiet",
  ];
  const env = { ...process.env, HF_HOME: folder, HF_ENDPOINT: hub.origin, BLIP_TEST_HOSTS: hub.origin };
  try {
    return {
      code: 0,
      stdout: (await promisify(execFile)(process.execPath, all, { env, maxBuffer: 1 << 24 })).stdout,
    };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { code, stdout };
  }
}

test("makes one report over all models, which says what each is, and tries 8 and 12 text heads", async () => {
  const { code, stdout } = await verifyAll("--fetch", "--json");
  // Random weights say nothing of what was published.
  expect(code).toBe(1);
  const report = JSON.parse(stdout) as VerifyReport;
  const verdicts = Object.fromEntries(report.models.map(({ model, verdict }) => [model, verdict]));
  expect(verdicts).toEqual({
    "Salesforce/blip-itm-base-coco": "different",
    "Salesforce/blip-itm-large-coco": "different",
    "Salesforce/blip-itm-base-flickr": "checked",
    "Salesforce/blip-itm-large-flickr": "checked",
    "Salesforce/blip-image-captioning-base": "different",
    "Salesforce/blip-image-captioning-large": "checked",
    "Salesforce/blip-vqa-base": "different",
    [missing]: "unavailable",
  });
  expect(report.models.find(({ model }) => model === missing)?.error?.code).toBe("hub/not-found");
  // A text 32 wide has no 12 heads: the tiny model's trial says so instead of a verdict.
  expect(report.textHeads).toMatchObject({ model: "Salesforce/blip-itm-base-flickr", configured: 4 });
  expect(report.textHeads.verdict).toBeUndefined();
  expect(report.textHeads.reason).toMatch(/12/);
  expect([...hub.hosts].length).toBeGreaterThan(0);
});

test("fetches no image unless told, and prints a table", async () => {
  const asked = new Set(hub.hosts);
  const { code, stdout } = await verifyAll();
  expect(code).toBe(1);
  expect(new Set(hub.hosts)).toEqual(asked);
  expect(stdout).toMatch(/^skipped +Salesforce\/blip-itm-base-coco/m);
  expect(stdout).toMatch(/^checked +Salesforce\/blip-itm-base-flickr/m);
  expect(stdout).toMatch(
    /^Text heads of Salesforce\/blip-itm-base-flickr: the image demo\.jpg is not available/m,
  );
});
