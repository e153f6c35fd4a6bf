// The committed page: generated from the committed results and the notes on them (notes.md), and formatted with the
// repository's prettier settings.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { benchmarkPage } from "./benchmark-page.ts";
import { readResults } from "./results.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const committedResults = here("results/benchmark.json");
export const committedPage = here("../docs/benchmarks.md");

export async function pageOf(results = committedResults): Promise<string> {
  const config = await resolveConfig(committedPage);
  const notes = await readFile(here("notes.md"), "utf8");
  return format(`${benchmarkPage(await readResults(results))}\n${notes}`, { ...config, parser: "markdown" });
}

export const writePage = async (): Promise<void> => writeFile(committedPage, await pageOf());
