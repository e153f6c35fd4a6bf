// The page as it is committed: made of the committed results, and formatted as every file here is.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { benchmarkPage } from "./benchmark-page.ts";
import { readResults } from "./results.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const committedResults = here("results/benchmark.json");
export const committedPage = here("../docs/benchmarks.md");

export async function pageOf(results = committedResults): Promise<string> {
  const config = await resolveConfig(committedPage);
  return format(benchmarkPage(await readResults(results)), { ...config, parser: "markdown" });
}

export const writePage = async (): Promise<void> => writeFile(committedPage, await pageOf());
