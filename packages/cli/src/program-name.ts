// Determines the name under which the user called the command, for usage lines and examples.
import { basename } from "node:path";

/**
 * `npx blip-ts` under npx, where it works in every folder; otherwise `blip-ts` or `blip`, as it was called.
 * @param script what Node runs: a package manager's link, or the file itself
 */
export function programName(
  script: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const name = basename(script ?? "").replace(/\.[cm]?[jt]s$/, "");
  if (env.npm_command === "exec") return "npx blip-ts";
  return name === "blip-ts" ? name : "blip";
}
