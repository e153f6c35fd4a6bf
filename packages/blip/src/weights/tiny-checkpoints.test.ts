// Real files, written by torch and transformers (oracle/hf/tiny_checkpoints.py): the same weights in every format.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fileSource } from "../platform/node/local-files.ts";
import { deriveArchitecture } from "./architecture.ts";
import { toHuggingFaceNames } from "./names.ts";
import {
  type Checkpoint,
  openCheckpoint,
  readSharded,
  readTensorBytes,
  type StoredTensor,
} from "@blip-ts/checkpoint";
import { tasksOf } from "../tasks/tasks-of.ts";

const tiny = (path: string) => fileURLToPath(new URL(`../../../../fixtures/tiny/${path}`, import.meta.url));
const open = async (path: string) => openCheckpoint(await fileSource(tiny(path)));
const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(tiny(path), "utf8"));

const openSharded = async (folder: string, index: string) =>
  readSharded(await json(`${folder}/${index}`), index, (file) => fileSource(tiny(`${folder}/${file}`)));

const hex = async (tensor: StoredTensor) => Buffer.from(await readTensorBytes(tensor)).toString("hex");

const contents = async (checkpoint: Checkpoint) => {
  const named = toHuggingFaceNames(checkpoint);
  const entries = [...named.tensors].map(async ([name, tensor]) => [
    name,
    { dtype: tensor.dtype, shape: tensor.shape, bytes: await hex(tensor) },
  ]);
  return Object.fromEntries((await Promise.all(entries)) as [string, unknown][]);
};

describe("the tiny matcher", () => {
  it.each<[string, Checkpoint["format"], () => Promise<Checkpoint>]>([
    ["match-bin", "torch-zip", () => open("match-bin/pytorch_model.bin")],
    ["match-legacy", "torch-legacy", () => open("match-legacy/pytorch_model.bin")],
    ["match-sharded", "safetensors", () => openSharded("match-sharded", "model.safetensors.index.json")],
    ["match-original", "torch-zip", () => open("match-original/model_tiny_retrieval.pth")],
  ])("has the same bytes under the same names in %s as in match", async (_, format, opened) => {
    const checkpoint = await opened();
    expect(checkpoint.format).toBe(format);
    const expected = await contents(await open("match/model.safetensors"));
    expect(await contents(checkpoint)).toEqual(expected);
    expect(Object.keys(expected).length).toBeGreaterThan(100);
  });

  it("has in the original file what training left there, each left out with a reason", async () => {
    const checkpoint = await open("match-original/model_tiny_retrieval.pth");
    expect(checkpoint.metadata).toMatchObject({ stateDict: "model" });
    const { dialect, ignored } = toHuggingFaceNames(checkpoint);
    expect(dialect).toBe("original");
    const names = ignored.map(({ name }) => name);
    for (const name of ["temp", "image_queue", "text_queue", "visual_encoder_m.cls_token"])
      expect(names).toContain(name);
  });

  it("has the same values in float64, and the same shapes in halves", async () => {
    const expected = (await open("match/model.safetensors")).tensors;
    const doubles = (await open("match-f64-bin/pytorch_model.bin")).tensors;
    for (const [name, tensor] of expected) {
      const wide = doubles.get(name);
      if (wide === undefined || tensor.dtype !== "float32") continue;
      expect(wide.dtype).toBe("float64");
      const values = new Float32Array((await readTensorBytes(tensor)).buffer);
      expect(Float32Array.from(new Float64Array((await readTensorBytes(wide)).buffer))).toEqual(values);
    }
    expect([...doubles.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [path, dtype] of [
      ["match-f16", "float16"],
      ["match-bf16", "bfloat16"],
    ] as const) {
      const halves = (await open(`${path}/model.safetensors`)).tensors;
      for (const [name, { shape }] of expected) expect(halves.get(name)).toMatchObject({ dtype, shape });
    }
  });

  it("has the same halves in two files of PyTorch as in one of safetensors", async () => {
    const checkpoint = await openSharded("match-f16-sharded-bin", "pytorch_model.bin.index.json");
    expect(checkpoint.format).toBe("torch-zip");
    expect(await contents(checkpoint)).toEqual(await contents(await open("match-f16/model.safetensors")));
  });

  it("has the architecture that its config.json gives, and the tasks of a matcher", async () => {
    const config = (await json("match/config.json")) as Config;
    const architecture = deriveArchitecture(
      toHuggingFaceNames(await open("match/model.safetensors")).tensors,
    );
    const { vision_config: vision, text_config: text } = config;
    expect(architecture.vision).toMatchObject({
      hiddenSize: vision.hidden_size,
      layers: vision.num_hidden_layers,
      intermediateSize: vision.intermediate_size,
      patchSize: vision.patch_size,
      imageSize: vision.image_size,
    });
    expect(architecture.text).toEqual({
      hiddenSize: text.hidden_size,
      layers: text.num_hidden_layers,
      intermediateSize: text.intermediate_size,
      vocabSize: text.vocab_size,
      maxPositions: text.max_position_embeddings,
      encoderWidth: vision.hidden_size,
    });
    expect(architecture.jointEmbedding).toBe(config.image_text_hidden_size);
    expect(tasksOf(architecture).tasks).toEqual(["match", "embed", "retrieve"]);
  });
});

describe("the tiny captioner", () => {
  it("has the tasks of a captioner", async () => {
    const architecture = deriveArchitecture(
      toHuggingFaceNames(await open("caption/model.safetensors")).tensors,
    );
    expect(tasksOf(architecture).tasks).toEqual(["caption"]);
    expect(tasksOf(architecture).missing.get("match")).toEqual([
      "text_encoder",
      "vision_proj",
      "text_proj",
      "itm_head",
    ]);
  });
});

describe("views of storages", () => {
  it("have the values that torch shows for them", async () => {
    const { tensors: expected } = (await json("strided/strided.json")) as {
      tensors: Record<string, Strided>;
    };
    const { tensors } = await open("strided/strided.pt");
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { dtype, shape, values }] of Object.entries(expected)) {
      const tensor = tensors.get(name);
      expect(tensor, name).toMatchObject({ dtype, shape });
      if (tensor !== undefined) expect(numbers(tensor, await readTensorBytes(tensor)), name).toEqual(values);
    }
    expect([...tensors.values()].filter(({ strides }) => strides !== undefined).length).toBeGreaterThan(3);
  });
});

describe("checkpoints with a training script's settings beside the weights", () => {
  it.each(["numpy1.pth", "numpy2.pth", "numpy1-legacy.pth", "numpy2-legacy.pth"])(
    "give the tensors of %s, and skip Namespace, ruamel.yaml's classes and NumPy's numbers",
    async (file) => {
      const { tensors: expected } = (await json("settings/settings.json")) as {
        tensors: Record<string, Pick<Strided, "shape" | "values">>;
      };
      const { tensors, metadata } = await open(`settings/${file}`);
      expect([...tensors.keys()]).toEqual(Object.keys(expected));
      for (const [name, tensor] of tensors) {
        const { shape, values } = expected[name] ?? {};
        expect(tensor).toMatchObject({ shape });
        expect(numbers(tensor, await readTensorBytes(tensor))).toEqual(values);
      }
      const others = JSON.stringify(["optimizer", "config", "args", "log", "epoch"]);
      expect(metadata).toEqual({ stateDict: "model", otherEntries: others });
    },
  );
});

interface Config {
  readonly vision_config: Readonly<Record<string, number>>;
  readonly text_config: Readonly<Record<string, number>>;
  readonly image_text_hidden_size: number;
}

interface Strided {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly values: readonly (number | boolean)[];
}

function numbers({ dtype }: StoredTensor, { buffer }: Uint8Array<ArrayBuffer>): (number | boolean)[] {
  switch (dtype) {
    case "float64":
      return [...new Float64Array(buffer)];
    case "float32":
      return [...new Float32Array(buffer)];
    case "float16":
      return Array.from(new Uint16Array(buffer), halfValue);
    case "bfloat16":
      return [...new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer)];
    case "int64":
      return Array.from(new BigInt64Array(buffer), Number);
    case "int32":
      return [...new Int32Array(buffer)];
    case "int16":
      return [...new Int16Array(buffer)];
    case "int8":
      return [...new Int8Array(buffer)];
    case "uint8":
      return [...new Uint8Array(buffer)];
    case "bool":
      return Array.from(new Uint8Array(buffer), (byte) => byte !== 0);
  }
}

/** IEEE half precision: a sign bit, five exponent bits, ten fraction bits. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  return sign * (exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15));
}
