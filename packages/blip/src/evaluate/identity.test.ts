// The identity of a model: each file of weights is read once, the shared image encoder of a suite too.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { must } from "@blip-ts/base";
import { fixture } from "../../test/support/goldens.ts";
import { tinyParts, tinySuite } from "../../test/support/suites.ts";
import { nodeEvaluationHost } from "../platform/node/evaluate/host.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Matcher } from "../verbs/match.ts";
import { modelIdentities } from "./identity.ts";

const quiet = { onWarning: () => undefined };
const root = await mkdtemp(join(tmpdir(), "blip-identity-"));
afterAll(() => rm(root, { recursive: true, force: true }));

/** The identities of a model that is used `times` times, and the number of hashed bytes (texts are not counted). */
async function identified(model: string, times = 1) {
  await using matcher = await Matcher.load(nodePlatform, model, quiet);
  let bytes = 0;
  const hasher = () => {
    const own = nodeEvaluationHost.hasher();
    const update = (data: string | Uint8Array) => {
      if (typeof data !== "string") bytes += data.length;
      own.update(data);
    };
    return { ...own, update };
  };
  const used = Array.from({ length: times }, () => matcher.model.loaded);
  const identities = await modelIdentities({ hasher }, used);
  return { identities, bytes };
}

const sizeOf = async (...path: string[]) => (await stat(join(...path))).size;

test("a single model is read once, however many verbs use it, and has no hash of its image encoder", async () => {
  const model = fixture("tiny/match");
  const { identities, bytes } = await identified(model, 2);
  expect(bytes).toBe(await sizeOf(model, "model.safetensors"));
  const [one, other] = [must(identities, 0), must(identities, 1)];
  expect(other).toEqual(one);
  expect(one.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(one).not.toHaveProperty("imageEncoder");
});

test("a suite also has the hash of its image encoder, which the part's file lacks", async () => {
  const suite = await tinySuite(await tinyParts(root), join(root, "suite"), ["match"]);
  const { identities, bytes } = await identified(suite);
  const own = await sizeOf(suite, "match", "model.safetensors");
  const { sha256, imageEncoder } = must(identities, 0);
  expect(imageEncoder).toMatch(/^[0-9a-f]{64}$/);
  expect(imageEncoder).not.toBe(sha256);
  // Of the encoder's file, only the tensors.
  expect(bytes).toBeGreaterThan(own);
  expect(bytes).toBeLessThan(own + (await sizeOf(suite, "image_encoder", "model.safetensors")));
});
