// (placeholder, replaced below)
import type { SourceOptions } from "../../../platform.ts";
export function downloadModel(_id: string, _options: SourceOptions): Promise<{ folder: string }> {
  return Promise.reject(new Error("not yet"));
}
