// Exports of tiny checkpoints, run by ONNX Runtime as any program would run them.
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { floatTensor, type Tensor } from "@blip-ts/graph";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { nodePlatform } from "../../src/platform/node/node-platform.ts";
import { passHalvesAsBits } from "@blip-ts/engine";
import { exportOnnx, type ExportOptions } from "../../src/tools/export/export-onnx.ts";
import { fixture } from "./goldens.ts";

// A program of one's own has to do so as well: the README's part on exported files says it.
passHalvesAsBits();

/** As the steps of an 8-bit export say. */
const exact = { extra: { session: { x64quantprecision: "1" } } };

/** What a file reads: tensors of this package, or outputs of another file. */
export type Feeds = Readonly<Record<string, Tensor<"float32" | "int64"> | OrtTensor>>;

/** An export of a tiny checkpoint, somewhere below a folder, its files ready to be run. */
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

/** A value that has to be there. */
export function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is not there");
  return value;
}
