// What ONNX Runtime would print on stderr by itself: a person reads our errors, and nothing beside them.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fixture } from "./support/goldens.ts";

const file = (relative: string) => new URL(relative, import.meta.url).href;

/** Runs Node, whose native code prints where no stream of JavaScript's sees it. */
function node(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const options = { cwd: fileURLToPath(file("../")), env: { ...process.env, ...env } };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      done({ code: error?.code ?? 0, stdout, stderr });
    });
  });
}

test("a session that cannot be made, or whose call fails, says so in its error alone", async () => {
  const program = `
    import { emitOnnx, floatTensor, GraphBuilder } from "@blip-ts/graph";
    import { createNodeEngine } from ${JSON.stringify(file("../../engine/src/node/node-engine.ts"))};
    const b = GraphBuilder.create("sum");
    b.output("y", b.add(b.input("x", "float32", ["N"]), b.input("z", "float32", ["N"])));
    const onnx = emitOnnx(b.build(), () => undefined);
    const engine = createNodeEngine();
    const say = ({ message }) => console.log(message);
    await engine.createSession({ onnx: onnx.subarray(0, 40), external: [] }).catch(say);
    const session = await engine.createSession({ onnx, external: [] });
    await session.run({ x: floatTensor([2], [1, 2]), z: floatTensor([3], [1, 2, 3]) }).catch(say);
    await engine[Symbol.asyncDispose]();
  `;
  const { code, stdout, stderr } = await node(["--import", "tsx", "--input-type=module", "-e", program]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/protobuf parsing failed[^]*running Add node/);
});

const loaders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
const vulkan = loaders.some((folder) => existsSync(`${folder}/libvulkan.so.1`));

test.skipIf(process.platform !== "linux" || vulkan)(
  "WebGPU without Vulkan is refused in one line",
  async () => {
    const args = [
      "match",
      fixture("../examples/scenes/01.png"),
      "-t",
      "a sheep",
      "--device",
      "webgpu",
      "--quiet",
    ];
    const { code, stderr } = await node(["bin/blip.js", ...args], { LD_LIBRARY_PATH: "" });
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^blip: device webgpu cannot be used: libvulkan\.so\.1 is missing\. .*libvulkan1.* \[model\/device\]\n$/,
    );
  },
);
