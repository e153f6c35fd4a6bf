// One call per verb and type of weights on Node 22 and 24: the answers of the Node that runs the tests. Each is some 100 MB,
// installed for the test alone; the test is skipped if that cannot be done. The whole API, also in Bun and Deno, is in
// runtimes.long.test.ts.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installRuntime, runtimes } from "./support/runtimes.ts";
import { answersIn, expectSame, thisNode, type Answers } from "./support/whole-api.ts";

let folder: string;
let expected: Answers;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "blip-runtimes-verbs-"));
  expected = await answersIn(thisNode, folder);
  expect(Object.keys(expected)).toHaveLength(18);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const tried = runtimes.filter(({ name, version }) => name === "node" && ["22", "24"].includes(version));

test.for(tried)("$name $version answers as this Node does", async (runtime, { skip }) => {
  const path = await installRuntime(folder, runtime);
  if (path === undefined) return skip(`${runtime.name} ${runtime.version} cannot be installed here`);
  expectSame(await answersIn({ path, args: runtime.args }, folder), expected);
});
