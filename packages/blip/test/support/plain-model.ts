// A model that a test expects not to be a suite.
import type { ModelFiles, SuiteFiles } from "../../src/files.ts";

/** @throws if the model is a suite */
export function plainModel(files: ModelFiles | SuiteFiles): ModelFiles {
  if (files.kind === "suite") throw new Error(`${files.name} is a suite`);
  return files;
}
