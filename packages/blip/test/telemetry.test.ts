// ONNX Runtime reports its use where it is not told otherwise, and keeps what it reports in the user's home folder.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";
import { runScript } from "./support/run-script.ts";

let home = "";
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "blip-home-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** The variable as native code sees it, in a process that has used a model. */
async function seenByNativeCode(set: string | undefined): Promise<string> {
  const script = `
    await blip.match([${JSON.stringify(fixture("../examples/scenes/01.png"))}], ["a sheep"], { onWarning() {} });
    process.report.excludeNetwork = true;
    console.log(process.report.getReport().environmentVariables.ORT_DISABLE_TELEMETRY);
  `;
  const env = { HOME: home, TMPDIR: home, HF_HOME: home, ORT_DISABLE_TELEMETRY: set };
  return (await runScript(script, env, 60_000)).trim();
}

test("ONNX Runtime is told to report nothing, and leaves nothing behind", async () => {
  expect(await seenByNativeCode(undefined)).toBe("1");
  expect(await readdir(home)).toEqual([]);
});

test("a value of the user's own is kept", async () => {
  // One of those that mean the same: a test reports nothing.
  expect(await seenByNativeCode("yes")).toBe("yes");
});
