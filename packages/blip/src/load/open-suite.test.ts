// A suite opened for a task: joined with the image encoder, each file opened once, and the errors if parts do not fit.
import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { fixture } from "../../test/support/goldens.ts";
import { tinyParts, tinySuite, type PartTask } from "../../test/support/suites.ts";
import { asEmbedded, type SuiteFiles } from "../files.ts";
import { nodePlatform } from "../platform/node/node-platform.ts";
import { Captioner } from "../verbs/caption.ts";
import { Matcher } from "../verbs/match.ts";
import { inspect } from "../tools/inspect.ts";
import { openModelForTasks } from "./open-suite.ts";

let root = "";
let parts: Record<PartTask, string>;
let suite = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-open-suite-"));
  parts = await tinyParts(root);
  suite = await tinySuite(parts, join(root, "suite"), ["match", "ask"]);
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const quiet = { onWarning: () => undefined };

/** The suite's files, with records of opened folders and read files. */
async function watched(folder: string) {
  const files = await nodePlatform.openModel(folder, {});
  if (files.kind !== "suite") throw new Error("a suite was expected");
  const events: string[] = [];
  const suiteFiles: SuiteFiles = {
    ...files,
    async openFolder(part) {
      events.push(part);
      const opened = await files.openFolder(part);
      return {
        ...opened,
        read(file) {
          events.push(`${part}/${file}`);
          return opened.read(file);
        },
      };
    },
  };
  return { files: suiteFiles, events };
}

test("parts of the embedded suite are embedded, and parts of others are not", async () => {
  const files = await nodePlatform.openModel(suite, {});
  expect((await openModelForTasks(files, ["ask"])).files.embedded).toBeUndefined();
  for (const task of ["match", "ask"] as const)
    expect((await openModelForTasks(asEmbedded(files), [task])).files.embedded).toBe(true);
});

test("parts are opened once, and have the same image encoder", async () => {
  const { files, events } = await watched(suite);
  const match = await openModelForTasks(files, ["match"]);
  const ask = await openModelForTasks(files, ["ask"]);
  expect(await openModelForTasks(files, ["retrieve", "embed"])).toBe(match);
  expect(await openModelForTasks(files, ["ask"])).toBe(ask);
  await ask.files.read("config.json");
  expect(events).toEqual(["image_encoder", "match", "match/config.json", "ask", "ask/config.json"]);
  const shared = [...match.tensors].filter(([name]) => name.startsWith("vision_model."));
  expect(shared.length).toBeGreaterThan(10);
  for (const [name, tensor] of shared) expect(ask.tensors.get(name)).toBe(tensor);
  expect(match.tasks.tasks).toEqual(["match", "embed", "retrieve"]);
  expect(match.files.name).toBe(`${suite}/match`);
});

test("a plain model is opened once for its files, and again after a failure", async () => {
  const files = await nodePlatform.openModel(parts.match, {});
  expect(await openModelForTasks(files, ["match"])).toBe(await openModelForTasks(files, []));
  const { files: lacking } = await watched(suite);
  await rename(join(suite, "ask"), join(suite, "away"));
  expect(await failureOf(() => openModelForTasks(lacking, ["ask"]))).toMatchObject({
    code: "suite/missing-part",
  });
  await rename(join(suite, "away"), join(suite, "ask"));
  expect((await openModelForTasks(lacking, ["ask"])).tasks.tasks).toEqual(["ask"]);
});

test("model_index.json itself names the suite; beside weights it does not count", async () => {
  expect((await nodePlatform.openModel(join(suite, "model_index.json"), {})).kind).toBe("suite");
  const plain = join(root, "plain");
  await cp(parts.match, plain, { recursive: true });
  await writeFile(join(plain, "model_index.json"), "{");
  expect((await nodePlatform.openModel(plain, {})).kind).toBe("folder");
});

test("a task that the suite lacks is rejected at the call, with those that it has", async () => {
  const error = await failureOf(() => Captioner.load(nodePlatform, suite, quiet));
  expect(error).toMatchObject({ name: "ModelError", code: "model/wrong-task" });
  expect(error.message).toMatch(/cannot do "caption": .*It can do: match, retrieve, ask, embed\./);
});

test("tasks of several parts are not one model", async () => {
  const { files } = await watched(suite);
  expect(await failureOf(() => openModelForTasks(files, ["match", "ask"]))).toMatchObject({
    code: "suite/several-parts",
  });
});

describe("refuses", () => {
  let count = 0;
  const copy = async () => {
    const folder = join(root, `copy-${count++}`);
    await cp(suite, folder, { recursive: true });
    return folder;
  };
  const load = (folder: string) => failureOf(() => Matcher.load(nodePlatform, folder, quiet));

  test("a part or an image encoder that is not there", async () => {
    const folder = await copy();
    await rm(join(folder, "match", "model.safetensors"));
    const lacking = await load(folder);
    expect(lacking).toMatchObject({ name: "ModelError", code: "suite/missing-part" });
    expect(lacking.message).toMatch(
      /expected match and embed in its folder match, .*Copy or download the suite as a whole/,
    );
    await rm(join(folder, "image_encoder"), { recursive: true });
    expect((await load(folder)).message).toMatch(/expected the image encoder in its folder image_encoder/);
  });

  test("an image encoder of another width than the part's config and weights", async () => {
    const folder = await copy();
    const other = join(root, "narrow");
    await tinySuite({ ...parts, ask: fixture("tiny/vqa") }, other, ["ask"]);
    await rm(join(folder, "image_encoder"), { recursive: true });
    await cp(join(other, "image_encoder"), join(folder, "image_encoder"), { recursive: true });
    const error = await load(folder);
    expect(error).toMatchObject({ code: "suite/encoder-width" });
    expect(error.message).toMatch(/width 48, as .*match\/config\.json declares .*got 32\. /);
    await rm(join(folder, "match", "config.json"));
    expect((await load(folder)).message).toMatch(/width 48, as the cross-attention of .*match reads, got 32/);
  });

  test("tensors in the wrong folder", async () => {
    const folder = await copy();
    await cp(join(parts.match, "model.safetensors"), join(folder, "match", "model.safetensors"));
    const doubled = await load(folder);
    expect(doubled).toMatchObject({ code: "suite/misplaced-tensors" });
    expect(doubled.message).toMatch(/the part's own tensors alone, got vision_model/);
    await cp(join(parts.match, "model.safetensors"), join(folder, "image_encoder", "model.safetensors"));
    expect((await load(folder)).message).toMatch(/the image encoder's tensors alone, got .*text/);
  });

  test("an index with more bytes than one has, unread", async () => {
    const folder = await copy();
    const path = join(folder, "model_index.json");
    await writeFile(path, (await readFile(path, "utf8")) + " ".repeat(70_000));
    const error = await load(folder);
    expect(error).toMatchObject({ code: "model/side-file-too-large" });
    expect(error.message).toContain("it was not read");
  });

  test("a part that does not do what the index says, which inspect tells too", async () => {
    const folder = await copy();
    const path = join(folder, "model_index.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"ask": "ask"', '"ask": "match"'));
    const { Answerer } = await import("../verbs/ask.ts");
    const error = await failureOf(() => Answerer.load(nodePlatform, folder, quiet));
    expect(error).toMatchObject({ code: "model/wrong-task" });
    const { warnings } = await inspect(nodePlatform, folder, quiet);
    expect(warnings.filter(({ code }) => code.startsWith("model/"))).toEqual([
      { code: "model/wrong-task", message: error.message },
    ]);
  });
});
