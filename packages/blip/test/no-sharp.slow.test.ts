// A process in which sharp cannot be loaded: the package is there, what needs no decoder works, and what does says what to do.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const file = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const program = `
import { inspect, match, Matcher } from ${JSON.stringify(file("../src/node.ts"))};
const { tasks } = await inspect("picture-book");
const size = 64;
const raw = { data: new Uint8Array(3 * size * size), width: size, height: size, channels: 3 };
const quiet = { onWarning: () => undefined };
const [row] = await match([raw], ["a dog"], quiet);
const saying = (call) => call.then(() => ({}), ({ name, code, message }) => ({ name, code, message }));
const scene = ${JSON.stringify(file("../../../examples/scenes/01.png"))};
const list = await saying(match([scene], ["a dog"], quiet));
const matcher = await Matcher.fromPretrained("picture-book", quiet);
const rows = await saying((async () => { for await (const _ of matcher.rows([{ image: scene, text: "a dog" }])); })());
await matcher.close();
console.log(JSON.stringify({ tasks, isNumber: Number.isFinite(row.probability), list, rows }));
`;

test("without sharp, images of files are refused by name, and everything else goes on", async () => {
  const args = [
    "--import",
    "tsx",
    "--import",
    file("support/no-sharp.mjs"),
    "--input-type=module",
    "--eval",
    program,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: file("../../..") });
  const failure = {
    name: "ModelError",
    code: "native/cannot-load",
    message: expect.stringMatching(
      /^sharp: expected its native library .*linuxmusl-x64.*npm install/,
    ) as string,
  };
  expect(JSON.parse(stdout)).toMatchObject({ isNumber: true, list: failure, rows: failure });
}, 120_000);
