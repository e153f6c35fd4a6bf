// The code of ONNX's messages is generated from proto/onnx.proto. After a change of either, run `npm run messages`.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, Version } from "@blip-ts/graph/onnx-messages";
import { expect, test } from "vitest";

const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), "utf8");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("the messages come from this onnx.proto and are unchanged", async () => {
  // On Windows git may check files out with other line ends.
  const [proto, generated] = await Promise.all(
    ["proto/onnx.proto", "src/onnx/generated/onnx_pb.ts"].map(async (path) =>
      (await read(path)).replaceAll("\r\n", "\n"),
    ),
  );
  const [, of, made, body = ""] =
    /^\/\/ proto ([0-9a-f]{64})\n\/\/ messages ([0-9a-f]{64})\n(.*)$/s.exec(generated ?? "") ?? [];
  expect(of).toBe(sha256(proto ?? ""));
  expect(made).toBe(sha256(body));
});

test("a model survives encoding and decoding", () => {
  const model = create(ModelProtoSchema, { irVersion: BigInt(Version.IR_VERSION), producerName: "blip-ts" });
  expect(fromBinary(ModelProtoSchema, toBinary(ModelProtoSchema, model))).toEqual(model);
  expect(Version.IR_VERSION).toBe(9);
});
