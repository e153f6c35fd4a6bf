// A network that is rejected or fails to load: nothing is converted for it, and nothing is left behind.
import { closedBy } from "@blip-ts/base";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { runScript } from "../../test/support/run-script.ts";
import type { ImageInput } from "../platform/node/decode-image.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import type { Platform } from "../platform.ts";
import type { DownloadProgress } from "../files.ts";
import type { Device, PlatformDevice } from "@blip-ts/engine";
import { Answerer } from "../verbs/ask.ts";
import { Captioner } from "../verbs/caption.ts";
import { Comparer } from "../verbs/compare.ts";
import { Embedder } from "../verbs/embed.ts";
import { exportOnnx } from "../tools/export/export-onnx.ts";
import { loadNetwork } from "./load-model.ts";
import { Matcher } from "../verbs/match.ts";
import type { VerbOptions } from "../verbs/image-batches.ts";
import { quantize } from "../tools/quantize.ts";
import { Retriever } from "../verbs/retrieve.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-load-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** The Node platform, recording its events in order; `derive` derives the weights. */
function watched(
  derive: Platform<never>["deriveWeights"],
  devices: readonly PlatformDevice[] = [{ device: "webgpu", absent: "not here" }, { device: "cpu" }],
) {
  const events: string[] = [];
  const platform: Platform<ImageInput> = {
    ...nodePlatform,
    devices,
    createEngine({ device, ...options }: Parameters<typeof nodePlatform.createEngine>[0]) {
      events.push(`open ${device}`);
      // A device's thread is real, but computes on the processor.
      const engine = nodePlatform.createEngine({ ...options, device: "cpu" });
      return {
        createSession: (model, more) => engine.createSession(model, more),
        ...closedBy(async () => {
          await engine.close();
          events.push(`close ${device}`);
        }),
      };
    },
    deriveWeights(weights, renew) {
      events.push(`convert to ${weights.type}`);
      return derive(weights, renew);
    },
  };
  return { platform, events };
}

const broken = () => Promise.reject(new Error("the disk broke"));
const quiet = { onWarning: () => undefined };
const load = (platform: Platform<never>, device: Device, more: VerbOptions = {}) =>
  failureOf(() => loadNetwork(platform, fixture("tiny/match"), ["match"], { ...quiet, device, ...more }));

describe("weights are not converted", () => {
  test("for a device that is rejected", async () => {
    const { platform, events } = watched(broken);
    for (const dtype of ["fp16", "int8"] as const)
      expect(await load(platform, "webgpu", { dtype })).toMatchObject({ code: "model/device" });
    expect(events).toEqual([]);
  });

  test("for a bound of memory in which the model has no room", async () => {
    const { platform, events } = watched(broken);
    const refused = await load(platform, "cpu", { dtype: "int8", memory: 1 });
    expect(refused).toMatchObject({ code: "usage/memory-too-small" });
    expect(events).toEqual([]);
  });

  test.each([
    ["export", exportOnnx],
    ["quantize", quantize],
  ])("for a folder that holds something: %s", async (_verb, write) => {
    const { platform, events } = watched(broken);
    const occupied = await mkdtemp(join(root, "occupied-"));
    await writeFile(join(occupied, "mine.txt"), "");
    const onProgress = ({ kind }: DownloadProgress) => void events.push(kind);
    const options = { ...quiet, task: "match", dtype: "int8", onProgress } as const;
    const refused = await failureOf(() => write(platform, fixture("tiny/match"), occupied, options));
    expect(refused).toMatchObject({ code: "save/exists" });
    expect(events).toEqual([]);
    expect(await readdir(root)).not.toContainEqual(expect.stringContaining("partial"));
  });
});

describe("an engine is closed", () => {
  test("where weights cannot be converted, after the device was tested", async () => {
    const { platform, events } = watched(broken, [{ device: "webgpu" }, { device: "cpu" }]);
    const failing = () =>
      loadNetwork(platform, fixture("tiny/match"), ["match"], { ...quiet, device: "webgpu", dtype: "fp16" });
    await expect(failing()).rejects.toThrow("the disk broke");
    const test = ["open webgpu", "close webgpu"];
    expect(events).toEqual([...test, "open webgpu", "convert to float16", "close webgpu"]);
  });

  const verbs = { Answerer, Captioner, Comparer, Embedder, Matcher, Retriever };
  const models = {
    ...{ Answerer: "vqa", Captioner: "caption", Comparer: "nlvr-original" },
    ...{ Embedder: "match", Matcher: "match", Retriever: "match" },
  } as const satisfies Record<keyof typeof verbs, string>;

  test.each(Object.keys(models) as (keyof typeof verbs)[])(
    "where a file beside the weights is wrong: %s",
    async (verb) => {
      const folder = join(root, verb);
      await cp(fixture(`tiny/${models[verb]}`), folder, { recursive: true });
      await writeFile(join(folder, "preprocessor_config.json"), "{");
      const { platform, events } = watched(broken);
      expect(await failureOf(() => verbs[verb].load(platform, folder, quiet))).toMatchObject({
        code: "model/bad-json",
      });
      expect(events).toEqual(["open cpu", "close cpu"]);
    },
  );

  test("where the model that is to score captions cannot be found", async () => {
    const { platform, events } = watched(broken);
    const failing = () =>
      Captioner.load(platform, fixture("tiny/caption"), { ...quiet, matchModel: "/nowhere" });
    expect(await failureOf(failing)).toMatchObject({ code: "model/not-found" });
    expect(events).toEqual(["open cpu", "close cpu"]);
  });
});

test("a process whose conversion fails ends by itself and leaves nothing behind", async () => {
  const [home, temporary] = [join(root, "home"), await mkdtemp(join(root, "temporary-"))];
  const script = `
    const stop = new AbortController();
    const [dtype, profile] = ["int8", ${JSON.stringify(join(root, "trace.json"))}];
    const loading = { dtype, profile, signal: stop.signal, onProgress: () => stop.abort() };
    const load = blip.Matcher.fromPretrained(${JSON.stringify(fixture("tiny/match"))}, loading);
    await load.catch(({ name }) => console.log(name));
  `;
  expect(await runScript(script, { HF_HOME: home, TMPDIR: temporary }, 15_000)).toBe("AbortError\n");
  // A trace is written in parts, which are removed with the engine.
  expect(await readdir(temporary)).toEqual([]);
  const kept = await readdir(home, { recursive: true, withFileTypes: true });
  expect(kept.filter((one) => one.isFile())).toEqual([]);
});
