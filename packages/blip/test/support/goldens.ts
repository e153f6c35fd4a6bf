// Golden numbers of oracle/, and checkpoints whose texts end earlier.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Tensor } from "@blip-ts/graph";
import { expect } from "vitest";
import { openCheckpoint, readSafetensors, readTensorBytes } from "@blip-ts/checkpoint";
import type { GenerationOptions } from "../../src/decode/options.ts";
import { fileSource } from "../../src/platform/node/local-files.ts";

/** The outputs of a reference for one set of options, with one row per image. */
export interface GeneratedCase {
  readonly sepBias: number;
  readonly prompt: string | null;
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly rows: readonly {
    readonly sequences: readonly (readonly number[])[];
    readonly scores?: readonly number[];
  }[];
}

const fixtures = new URL("../../../../fixtures/", import.meta.url);
export const fixture = (relative: string) => fileURLToPath(new URL(relative, fixtures));

/** Reads fixtures/goldens/`name`.json. */
export const goldenJson = async <T>(name: string) =>
  JSON.parse(await readFile(fixture(`goldens/${name}.json`), "utf8")) as T;

/** Reads fixtures/goldens/`name`.safetensors. */
export async function goldenTensors(name: string) {
  const { tensors } = await readSafetensors(await fileSource(fixture(`goldens/${name}.safetensors`)));
  const bytes = async (key: string) => {
    const stored = tensors.get(key);
    if (!stored) throw new Error(`no golden ${key}`);
    return { dims: stored.shape, buffer: (await readTensorBytes(stored)).slice().buffer };
  };
  return {
    floats: async (key: string): Promise<Tensor<"float32">> => {
      const { dims, buffer } = await bytes(key);
      return { dtype: "float32", dims, data: new Float32Array(buffer) };
    },
    ids: async (key: string): Promise<Tensor<"int64">> => {
      const { dims, buffer } = await bytes(key);
      return { dtype: "int64", dims, data: new BigInt64Array(buffer) };
    },
    bytes: async (key: string): Promise<{ dims: readonly number[]; data: Uint8Array }> => {
      const { dims, buffer } = await bytes(key);
      return { dims, data: new Uint8Array(buffer) };
    },
  };
}

const weights = /\.(?:safetensors|pth)$/;

/** Copies tiny checkpoints and makes [SEP] likelier: its bias is number 3 of the LM head. */
export function likelierEnds() {
  const folders: string[] = [];
  return {
    async of(model: string, sepBias: number): Promise<string> {
      const source = fixture(`tiny/${model}`);
      if (sepBias === 0) return source;
      const folder = await mkdtemp(join(tmpdir(), "blip-sep-"));
      folders.push(folder);
      await cp(source, folder, { recursive: true });
      const file = join(folder, (await readdir(folder)).find((name) => weights.test(name)) ?? "");
      const { tensors } = await openCheckpoint(await fileSource(file));
      const stored = tensors.get("text_decoder.cls.predictions.bias");
      if (!stored) throw new Error("the LM head has no bias");
      const bytes = await readFile(file);
      const place = stored.offset + 3 * 4;
      bytes.writeFloatLE(bytes.readFloatLE(place) + sepBias, place);
      await writeFile(file, bytes);
      return folder;
    },
    remove: () => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))),
  };
}

const optionNames: Readonly<Record<string, keyof GenerationOptions>> = {
  num_beams: "beams",
  max_length: "maxLength",
  min_length: "minLength",
  max_new_tokens: "maxNewTokens",
  repetition_penalty: "repetitionPenalty",
  no_repeat_ngram_size: "noRepeatNgram",
  length_penalty: "lengthPenalty",
  early_stopping: "earlyStopping",
  num_return_sequences: "numReturn",
};

export function optionsOf({ options }: Pick<GeneratedCase, "options">): GenerationOptions {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const ours = optionNames[name];
      if (!ours) throw new Error(`no option ${name}`);
      return [ours, value];
    }),
  );
}

/** Removes padding, with [PAD] or repeated [SEP], which a reference appends beside longer sequences. */
export function unpadded(sequence: readonly number[]): readonly number[] {
  const end = sequence.indexOf(3);
  return end < 0 ? sequence : sequence.slice(0, end + 1);
}

/** Expects equal dimensions, and a largest difference below `tolerance`. */
export function expectClose(found: Tensor<"float32">, expected: Tensor<"float32">, tolerance: number) {
  expect(found.dims).toEqual(expected.dims);
  let worst = 0;
  expected.data.forEach((value, index) => {
    worst = Math.max(worst, Math.abs(value - (found.data[index] ?? NaN)));
  });
  // A NaN difference must fail.
  expect(worst < tolerance, `differs by ${worst}`).toBe(true);
}
