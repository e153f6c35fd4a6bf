// Exports of tiny checkpoints, run by ONNX Runtime like in any other program.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import { passHalvesAsBits } from "@blip-ts/engine";
import { exportOnnx, type ExportOptions } from "../../src/tools/export/export-onnx.ts";
import { fixture } from "./goldens.ts";

// Other programs must do this too, as the section on exported files describes.
passHalvesAsBits();

/** The session option that the guide of an 8-bit export recommends. */
const exact = { extra: { session: { x64quantprecision: "1" } } };

/** A file's inputs: tensors of this package, or outputs of another file. */
export type Feeds = Readonly<Record<string, Tensor<"float32" | "int64"> | OrtTensor>>;

/** Exports a tiny checkpoint into a new folder below `folder`, and returns functions that run its files. */
export async function exported(folder: string, model: string, options: ExportOptions) {
  const out = join(await mkdtemp(join(folder, "export-")), "out");
  const description = await exportOnnx(nodePlatform, fixture(`tiny/${model}`), out, {
    compat: "hf",
    ...options,
  });
  const sessions = new Map<string, Promise<InferenceSession>>();
  const raw = async (file: string, feeds: Feeds): Promise<Readonly<Record<string, OrtTensor>>> => {
    const session = sessions.get(file) ?? InferenceSession.create(join(out, `${file}.onnx`), exact);
    sessions.set(file, session);
    const given = Object.entries(feeds).map(([name, feed]) => [
      name,
      "dtype" in feed ? new OrtTensor(feed.dtype, feed.data, feed.dims) : feed,
    ]);
    return (await session).run(Object.fromEntries(given) as Record<string, OrtTensor>);
  };
  const run = async (file: string, feeds: Feeds): Promise<Record<string, Tensor<"float32">>> =>
    Object.fromEntries(
      Object.entries(await raw(file, feeds)).map(([name, { data, dims }]) => {
        if (!(data instanceof Float32Array)) throw new Error(`${name} is not float32`);
        return [name, floatTensor(dims, data)];
      }),
    );
  return { out, description, run, /** Outputs as they are, to be fed to another file. */ raw };
}

export type Exported = Awaited<ReturnType<typeof exported>>;

/** Returns a value that must be defined. */
export function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}
