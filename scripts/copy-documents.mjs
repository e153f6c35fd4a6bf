// Copies the documents into the package before it is packed, so that their links work offline.
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [root, target] = ["../", "../packages/blip/"].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

rmSync(`${target}docs`, { recursive: true, force: true });
for (const name of ["docs", "CHANGELOG.md", "LICENSE", "README.md", "SECURITY.md", "THIRD-PARTY.md"])
  cpSync(root + name, target + name, { recursive: true });
