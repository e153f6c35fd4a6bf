// Makes a release: checks, the tarball with its checksums, and the changelog's section. Publishes only with --publish.
//
//   npm run release                  shows what would be published
//   npm run release -- --publish     publishes with provenance; for CI, from a clean checkout
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { apiChange, bumpBetween, isEnough, neededBump } from "./api-change.ts";
import { changelogSection } from "./changelog.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const packageFolder = join(root, "packages/blip");
const snapshots = ["node", "web", "train", "platform"].map(
  (name) => `packages/blip/test/__snapshots__/api/${name}.txt`,
);

const { values } = parseArgs({ options: { publish: { type: "boolean", default: false } } });
const say = (line: string) => void process.stdout.write(`${line}\n`);
const read = (path: string) => readFileSync(join(root, path), "utf8");
const run = (program: string, args: readonly string[], cwd = root): string =>
  execFileSync(program, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 26,
  });

/** Reasons not to publish. A dry run only prints them. */
const obstacles: string[] = [];

interface Manifest {
  readonly version: string;
  readonly repository?: unknown;
}

const isManifest = (value: unknown): value is Manifest =>
  typeof value === "object" && value !== null && "version" in value && typeof value.version === "string";

function manifest(): Manifest {
  const value: unknown = JSON.parse(read("packages/blip/package.json"));
  if (!isManifest(value)) throw new Error("packages/blip/package.json: expected a version, got none.");
  return value;
}

function lastRelease(): string | undefined {
  const tags = run("git", ["tag", "--list", "v*", "--sort=-v:refname"]).split("\n");
  return tags.find((tag) => /^v\d+\.\d+\.\d+$/.test(tag));
}

function checkApi(version: string): void {
  const last = lastRelease();
  if (last === undefined) {
    say("API: no release before this one");
    return;
  }
  const at = (path: string) => run("git", ["show", `${last}:${path}`]);
  const changes = snapshots.map((path) => apiChange(at(path), read(path)));
  const change = {
    removed: changes.flatMap(({ removed }) => removed),
    added: changes.flatMap(({ added }) => added),
  };
  const [needed, bump] = [neededBump(change, version), bumpBetween(last.slice(1), version)];
  say(
    `API since ${last}: ${change.removed.length} lines gone, ${change.added.length} new: ${needed} needed, ${bump} taken`,
  );
  for (const line of change.removed.slice(0, 20)) say(`  gone: ${line}`);
  if (!isEnough(bump, needed))
    obstacles.push(`version: expected a ${needed} step from ${last}, got ${version}.`);
}

function changes(version: string): string {
  const changelog = read("CHANGELOG.md");
  try {
    return changelogSection(changelog, version);
  } catch (error) {
    obstacles.push(error instanceof Error ? error.message : String(error));
    return changelogSection(changelog, "Unreleased");
  }
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly entryCount: number;
}

function pack(): string {
  const folder = join(root, "dist");
  mkdirSync(folder, { recursive: true });
  const printed = run("npm", ["pack", "--json", "--pack-destination", folder], packageFolder);
  const [packed] = JSON.parse(printed.slice(printed.indexOf("["))) as readonly Packed[];
  if (packed === undefined) throw new Error("npm pack: expected a tarball, got none.");
  const path = join(folder, packed.filename);
  const bytes = readFileSync(path);
  const sum = (kind: string, form: "hex" | "base64") => createHash(kind).update(bytes).digest(form);
  const megabytes = (size: number) => (size / 1e6).toFixed(1);
  say(`tarball: dist/${packed.filename}, ${packed.entryCount} files`);
  say(`size: ${megabytes(packed.size)} MB, ${megabytes(packed.unpackedSize)} MB unpacked`);
  say(`sha256: ${sum("sha256", "hex")}`);
  say(`integrity: sha512-${sum("sha512", "base64")}`);
  return path;
}

const { version, repository } = manifest();
say(`blip-ts ${version}`);
if (run("git", ["status", "--porcelain"]) !== "")
  obstacles.push("checkout: expected no changes, got some. Commit them.");
if (repository === undefined)
  obstacles.push(
    "package.json: expected `repository`, which provenance needs, got none. Add it once the repository is public.",
  );
if (process.env.CI === undefined)
  obstacles.push("provenance: expected a CI run with an OIDC token, got none.");
checkApi(version);
run("npm", ["run", "build"]);
const tarball = pack();
say(`\nchanges:\n\n${changes(version)}\n`);
const publish = ["publish", tarball, "--provenance", "--access", "public"];
for (const obstacle of obstacles) say(`before publishing: ${obstacle}`);
if (!values.publish)
  say(`dry run. To publish: npm run release -- --publish (npm publish --provenance --access public)`);
else if (obstacles.length > 0) process.exitCode = 1;
else say(run("npm", publish));
