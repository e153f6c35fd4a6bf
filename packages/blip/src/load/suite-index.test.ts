// model_index.json, which may come from anywhere: its content, and the errors for wrong content.
import { describe, expect, test } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { readSuiteIndex, suiteIndexText } from "./suite-index.ts";

const good = {
  _class_name: "BlipSuite",
  _blip_ts_version: "0.1.0",
  image_encoder: "image_encoder",
  tasks: { match: "match", retrieve: "match", ask: "vqa" } as Record<string, unknown>,
};

const read = (json: unknown) => readSuiteIndex(JSON.stringify(json), "suite");
const refusal = (text: string) =>
  failureOf(() => Promise.resolve().then(() => readSuiteIndex(text, "suite")));

test("says which folder is for which task, and what the suite can do", () => {
  const index = read({ ...good, _note: ["anything"] });
  expect(index.imageEncoder).toBe("image_encoder");
  expect([...index.folders]).toEqual([
    ["match", "match"],
    ["ask", "vqa"],
  ]);
  expect(index.tasks).toEqual(["match", "retrieve", "ask"]);
});

test("what is written is read again", () => {
  const folders = new Map([
    ["caption", "caption"],
    ["match", "match"],
    ["embed", "match"],
  ] as const);
  const text = suiteIndexText(folders);
  expect(JSON.parse(text)).toMatchObject({
    _class_name: "BlipSuite",
    tasks: { match: "match", retrieve: "match", caption: "caption", embed: "match" },
  });
  expect(new Map(readSuiteIndex(text, "suite").folders)).toEqual(folders);
});

const withTasks = (tasks: unknown) => ({ ...good, tasks });
const at = (folder: unknown) => withTasks({ match: folder });

describe("is rejected", () => {
  test.each<[what: string, json: unknown, code: string, message: RegExp]>([
    [
      "a list",
      [good],
      "suite/bad-index",
      /suite\/model_index\.json: the file: expected an object, got a list/,
    ],
    [
      "a pipeline of diffusers",
      { ...good, _class_name: "StableDiffusionPipeline" },
      "suite/bad-index",
      /_class_name: expected "BlipSuite", got "StableDiffusionPipeline"/,
    ],
    [
      "no version",
      { ...good, _blip_ts_version: 1 },
      "suite/bad-index",
      /_blip_ts_version: expected a version, got 1/,
    ],
    ["an unknown field", { ...good, vae: "vae" }, "suite/bad-index", /vae: expected no such field/],
    ["no tasks", withTasks({}), "suite/bad-index", /tasks: expected an object from tasks to folders/],
    ["tasks as a list", withTasks(["match"]), "suite/bad-index", /tasks: .*got a list/],
    [
      "an unknown task",
      withTasks({ sing: "sing" }),
      "suite/unknown-task",
      /expected match, .*retrieve.*got "sing"/,
    ],
    ["pretrain", withTasks({ pretrain: "p" }), "suite/unknown-task", /got "pretrain"/],
    [
      "no image encoder",
      { ...good, image_encoder: undefined },
      "suite/bad-index",
      /image_encoder: .*got nothing/,
    ],
    ["a folder that is no name", at({ path: "x" }), "suite/bad-index", /tasks\.match: .*got an object/],
    [
      "a path upwards",
      at("../other"),
      "suite/bad-path",
      /a path that leads out of the suite's folder \("\.\.\/other"\)/,
    ],
    ["a path through a folder", at("a/../../b"), "suite/bad-path", /leads out/],
    ["an absolute path", at("/etc"), "suite/bad-path", /an absolute path/],
    ["an absolute path of Windows", at("\\etc"), "suite/bad-path", /an absolute path/],
    ["a drive", at("C:\\models"), "suite/bad-path", /a Windows drive/],
    ["a drive's own folder", at("c:models"), "suite/bad-path", /a Windows drive/],
    ["a share", at("\\\\host\\models"), "suite/bad-path", /a Windows drive/],
    ["an address", at("https://other.example/x"), "suite/bad-path", /an address/],
    ["several folders", at("parts/match"), "suite/bad-path", /a path of several folders/],
    ["the folder itself", at("."), "suite/bad-path", /a name that Windows cannot have/],
    ["nothing", at(""), "suite/bad-path", /other signs/],
    ["a hidden folder", at(".git"), "suite/bad-path", /other signs/],
    ["a device", at("NUL.x"), "suite/bad-path", /Windows cannot have/],
    ["a long name", at("m".repeat(101)), "suite/bad-path", /101 characters, more than 100/],
    ["signs", at("a b%2e"), "suite/bad-path", /other signs/],
    [
      "an image encoder elsewhere",
      { ...good, image_encoder: "../image_encoder" },
      "suite/bad-path",
      /image_encoder: .*leads out/,
    ],
    [
      "the image encoder's folder as a part",
      withTasks({ match: "Image_Encoder" }),
      "suite/duplicate",
      /"Image_Encoder" both for match and for the image encoder/,
    ],
    [
      "names that differ in case alone",
      withTasks({ match: "part", ask: "Part" }),
      "suite/duplicate",
      /part and Part, which are one on some systems/,
    ],
    [
      "another folder for retrieve than for match",
      withTasks({ retrieve: "r", match: "m" }),
      "suite/bad-index",
      /tasks\.retrieve: expected the folder of match, whose network it runs \("m"\), got "r"/,
    ],
    ["retrieve without match", withTasks({ retrieve: "r" }), "suite/bad-index", /\("not listed"\)/],
  ])("%s", async (_what, json, code, message) => {
    const error = await refusal(JSON.stringify(json));
    expect(error).toMatchObject({ name: "ModelError", code });
    expect(error.message).toMatch(message);
    // The message ends with the remedy.
    expect(error.message).toMatch(/\. (?:Make|Remove|Put|Keep) [^.]+.*\.$/);
  });

  test("a name that stands there twice, of which JSON.parse drops one", async () => {
    const text = JSON.stringify(good).replace('"ask":"vqa"', '"as\\u006b":"vqa","ask":"other"');
    expect(JSON.parse(text)).toMatchObject({ tasks: { ask: "other" } });
    expect(await refusal(text)).toMatchObject({ code: "suite/duplicate" });
    expect((await refusal(text)).message).toContain('the name "ask" twice');
    // The same name in two objects, or as a value, is no duplicate.
    const twice = { ...good, _a: { b: 1, c: '"b":' }, _d: [{ b: 1 }, { b: 2 }] };
    expect(read(twice).tasks).toHaveLength(3);
  });

  test("what is not JSON, and what is too long", async () => {
    expect(await refusal("{")).toMatchObject({ code: "model/bad-json" });
    expect(await refusal(`${JSON.stringify(good)}${" ".repeat(65_536)}`)).toMatchObject({
      code: "model/side-file-too-large",
    });
    expect(await refusal(`{"_class_name":${"[".repeat(60_000)}`)).toMatchObject({ code: "model/bad-json" });
    const deep = `{"_class_name":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    expect((await refusal(deep)).message).toMatch(/got a list|not JSON/);
  });
});
