// A program that ends while the engine computes ends as it says; onnxruntime-node alone would abort it (134).
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { runScript } from "./support/run-script.ts";

const root = new URL("../../../", import.meta.url);
const scene = fileURLToPath(new URL("examples/scenes/01.png", root));

test("a model that was loaded and never used keeps no program alive", async () => {
  const script = `await blip.Matcher.fromPretrained("picture-book"); console.log("loaded");`;
  expect(await runScript(script, {}, 15_000)).toBe("loaded\n");
});

test.skipIf(!existsSync("/proc/self/task"))(
  "processes that decode images keep no program alive, and none outlives it",
  async () => {
    const script = `
      import { readFileSync } from "node:fs";
      const matcher = await blip.Matcher.fromPretrained("picture-book");
      const batched = new blip.Batched({ matcher });
      await batched.match(${JSON.stringify(scene)}, ["a sheep"]);
      console.log(readFileSync("/proc/self/task/" + process.pid + "/children", "utf8"));
    `;
    const children = (await runScript(script, {}, 30_000)).split(/\s+/).filter(Boolean);
    expect(children.length).toBeGreaterThanOrEqual(2);
    await vi.waitFor(() => {
      for (const child of children) expect(existsSync(`/proc/${child}`)).toBe(false);
    }, 5000);
  },
);

/** Runs a program that says how it ends before it loads a model, or after that, while threads compute without a pause. */
function run({ before = "", after = "" }): Promise<{ code: unknown; stderr: string }> {
  const program = `
    import { BlipForImageTextRetrieval, BlipProcessor } from "blip-ts";
    ${before}
    const processor = await BlipProcessor.fromPretrained("picture-book", { task: "match" });
    const model = await BlipForImageTextRetrieval.fromPretrained("picture-book");
    const inputs = await processor(${JSON.stringify(scene)}, ["a small sheep", "a taxi"]);
    await model.forward(inputs);
    ${after}
    for (;;) await model.forward(inputs);
  `;
  return new Promise((done) => {
    const args = ["--input-type=module", "--eval", program];
    execFile(process.execPath, args, { cwd: fileURLToPath(root) }, (error, _, stderr) => {
      done({ code: error?.signal ?? error?.code, stderr });
    });
  });
}

test.each([
  ["process.exit while threads load", { before: "setTimeout(() => process.exit(7), 130);" }, 7, ""],
  ["process.exit while one computes", { after: "setTimeout(() => process.exit(7), 40);" }, 7, ""],
  [
    "an error that nobody catches",
    { after: "setTimeout(() => { throw new Error('at the end'); }, 40);" },
    1,
    "at the end",
  ],
])("%s", async (_, program, code, said) => {
  // A thread rests between two calls for a moment: more than once, so that one of them falls into a call.
  for (let turn = 0; turn < 3; turn++) {
    const found = await run(program);
    expect(found.code).toBe(code);
    expect(found.stderr).toContain(said);
  }
});
