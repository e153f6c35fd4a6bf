// Writes src/onnx/generated/onnx_pb.ts from proto/onnx.proto (onnx 1.15.0 on PyPI, unchanged: IR version 9). Its first
// lines name the source and its hash, so that a test can check without the compiler whether it is up to date.
// Run `npm run messages --workspace @blip-ts/graph`: npm fetches the compiler for this one run.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const compiler = ["@bufbuild/buf@1.75.0", "@bufbuild/protoc-gen-es@2.17.0"];
const generated = here("../src/onnx/generated/onnx_pb.ts");

const packages = compiler.map((name) => `--package=${name}`);
execFileSync(
  "npm",
  ["exec", "--yes", ...packages, "--", "buf", "generate", "proto", "--template", "proto/buf.gen.yaml"],
  {
    cwd: here(".."),
    stdio: "inherit",
    shell: process.platform === "win32",
  },
);
const body = readFileSync(generated, "utf8");
const proto = readFileSync(here("../proto/onnx.proto"), "utf8");
writeFileSync(generated, `// proto ${sha256(proto)}\n// messages ${sha256(body)}\n${body}`);
