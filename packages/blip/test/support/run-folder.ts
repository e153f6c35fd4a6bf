// Reads the folder of a training run.
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The rows of metrics.jsonl. */
export const rowsOf = async (out: string) =>
  (await readFile(join(out, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number | undefined>);

export const weightsOf = (out: string) => readFile(join(out, "model/model.safetensors"));
