// Builds the package, unless the existing build comes from the same files. `prepare`, the tests and the package's
// checks use it.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stamp = join(root, "node_modules/.cache/build-stamp");
const dist = join(root, "packages/blip/dist");

/** The files below a folder, except tests, node_modules and build outputs. */
function* filesIn(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!["node_modules", "dist", "test", ".tsbuild"].includes(entry.name)) yield* filesIn(path);
    } else if (!entry.name.endsWith(".test.ts")) yield path;
  }
}

/** A digest of the build's inputs and of the sizes of its outputs. */
function digest() {
  const hash = createHash("sha256").update(process.version);
  const add = (path, content) => hash.update(`${path}\0`).update(content).update("\0");
  for (const name of ["package-lock.json", "tsconfig.base.json"]) add(name, readFileSync(join(root, name)));
  for (const room of readdirSync(join(root, "packages")).sort()) {
    const folder = join(root, "packages", room);
    if (!statSync(folder).isDirectory()) continue;
    for (const path of filesIn(folder))
      if (/\.(?:ts|json|js|mjs)$/.test(path) && !path.includes("/models/"))
        add(path.slice(root.length), readFileSync(path));
  }
  if (existsSync(dist))
    for (const path of filesIn(dist)) add(path.slice(root.length), String(statSync(path).size));
  return hash.digest("hex");
}

if (existsSync(dist) && existsSync(stamp) && readFileSync(stamp, "utf8") === digest()) {
  console.log("the build is up to date");
} else {
  rmSync(stamp, { force: true });
  execFileSync("npm", ["run", "build", "--workspace", "blip-ts"], { cwd: root, stdio: "inherit" });
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, digest());
}
