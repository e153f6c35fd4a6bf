// A model that a test expects to be none of several parts.
import type { ModelFiles, SuiteFiles } from "../../src/files.ts";

/** @throws where it is a suite */
export function plainModel(files: ModelFiles | SuiteFiles): ModelFiles {
  if (files.kind === "suite") throw new Error(`${files.name} is a suite`);
  return files;
}
