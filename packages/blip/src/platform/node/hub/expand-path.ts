// Expands paths from the environment like Python's library: `os.path.expandvars(os.path.expanduser(path))`.
import { homedir } from "node:os";

export type { Environment } from "../net/proxy.ts";
import type { Environment } from "../net/proxy.ts";

/** The value of the first variable that is set and not empty. */
export function valueOf(env: Environment, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** Replaces `~` by $HOME; another user's home (`~name`) is left as it is. */
function withHome(path: string, env: Environment): string {
  if (!/^~(?=$|[/\\])/.test(path)) return path;
  const home = valueOf(env, "HOME", "USERPROFILE") ?? homedir();
  return home.replace(/[/\\]+$/, "") + path.slice(1) || "/";
}

/** Replaces $NAME and ${NAME}; on Windows also %NAME%. Unset names are left as they are. */
function withVariables(path: string, env: Environment): string {
  const replaced = path.replace(/\$(?:\{([^}]*)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    return env[braced ?? plain ?? ""] ?? whole;
  });
  if (process.platform !== "win32") return replaced;
  return replaced.replace(/%([^%]+)%/g, (whole, name: string) => env[name] ?? whole);
}

export const expandPath = (path: string, env: Environment): string => withVariables(withHome(path, env), env);
