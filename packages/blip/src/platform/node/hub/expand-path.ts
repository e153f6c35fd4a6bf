// Paths of the environment as Python's library reads them: `os.path.expandvars(os.path.expanduser(path))`.
import { homedir } from "node:os";

export type { Environment } from "../net/proxy.ts";
import type { Environment } from "../net/proxy.ts";

/** A variable's value; an empty one counts as none. */
export function valueOf(env: Environment, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = env[name];
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** `~` as $HOME; another user's (`~name`) stays as it is. */
function withHome(path: string, env: Environment): string {
  if (!/^~(?=$|[/\\])/.test(path)) return path;
  const home = valueOf(env, "HOME", "USERPROFILE") ?? homedir();
  return home.replace(/[/\\]+$/, "") + path.slice(1) || "/";
}

/** $NAME and ${NAME}; on Windows %NAME% too. Names that are not set stay as they are. */
function withVariables(path: string, env: Environment): string {
  const replaced = path.replace(/\$(?:\{([^}]*)\}|(\w+))/g, (whole, braced?: string, plain?: string) => {
    return env[braced ?? plain ?? ""] ?? whole;
  });
  if (process.platform !== "win32") return replaced;
  return replaced.replace(/%([^%]+)%/g, (whole, name: string) => env[name] ?? whole);
}

export const expandPath = (path: string, env: Environment): string => withVariables(withHome(path, env), env);
