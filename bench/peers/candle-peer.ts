// candle's BLIP, if it was built as bench/peers/candle/README.md describes.
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PeerProcess } from "./peer-process.ts";

export interface BuiltCandle {
  readonly program: string;
  /** candle's WebAssembly for a page; undefined if it is not built. */
  readonly wasm: string | undefined;
}

const isFile = async (path: string) => (await stat(path).catch(() => undefined))?.isFile() ?? false;

/**
 * Finds the built program and its WebAssembly.
 * @param path the folder of Cargo.toml, or the program in a target folder
 * @throws {Error} if there is no program
 */
export async function findCandle(path: string): Promise<BuiltCandle> {
  const program = (await isFile(path)) ? path : join(path, "target/release/candle-peer");
  if (!(await isFile(program))) throw new Error(`--candle: expected candle's program, built, at ${program}`);
  const wasm = join(dirname(program), "../wasm32-unknown-unknown/release/candle_peer.wasm");
  return { program, wasm: (await isFile(wasm)) ? wasm : undefined };
}

/** @param threads the number of threads for candle's own matrix products */
export const candlePeer = (
  program: string,
  { itm, caption, threads }: { readonly itm: string; readonly caption: string; readonly threads: number },
) =>
  new PeerProcess({
    name: "candle-peer",
    command: program,
    args: [itm, caption],
    env: { RAYON_NUM_THREADS: String(threads) },
  });
