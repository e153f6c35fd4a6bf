// The rooms (modules) of this repository, from the lowest layer up. A room may import itself and the rooms of the
// layers below it, but no other room of its own layer. `npm run arrows` and `npm run house` read this list.

/**
 * @typedef {object} Room
 * @property {string} name
 * @property {string} path the folder or file, relative to the root
 * @property {string[]} [only] the rooms that it may import, if they are fewer than all rooms below it
 */

/** @type {readonly (readonly Room[])[]} */
export const layers = [
  [
    { name: "base", path: "packages/base/src" },
    { name: "version", path: "packages/blip/src/version.ts" },
  ],
  // graph imports base only for the checked list accesses, since two copies of them would drift apart.
  [{ name: "graph", path: "packages/graph/src", only: ["base"] }],
  [
    { name: "checkpoint", path: "packages/checkpoint/src" },
    { name: "datasets", path: "packages/datasets/src", only: ["base"] },
    { name: "metrics", path: "packages/metrics/src", only: ["base"] },
  ],
  [{ name: "engine", path: "packages/engine/src" }],
  [
    { name: "engine/node", path: "packages/engine/src/node" },
    { name: "engine/web", path: "packages/engine/src/web" },
    { name: "datasets/node", path: "packages/datasets/src/node", only: ["base", "datasets"] },
  ],
  [
    {
      name: "datasets entry",
      path: "packages/datasets/src/node.ts",
      only: ["base", "datasets", "datasets/node"],
    },
  ],
  [
    { name: "model", path: "packages/blip/src/model", only: ["base", "graph"] },
    { name: "weights", path: "packages/blip/src/weights" },
    { name: "image", path: "packages/blip/src/image", only: ["base"] },
    { name: "text", path: "packages/blip/src/text", only: ["base", "graph"] },
    { name: "decode", path: "packages/blip/src/decode", only: ["base"] },
  ],
  [
    { name: "files", path: "packages/blip/src/files.ts" },
    {
      name: "train/data",
      path: "packages/blip/src/train/data",
      only: ["base", "datasets", "image", "text"],
    },
  ],
  [
    { name: "platform interface", path: "packages/blip/src/platform.ts" },
    { name: "adapter", path: "packages/blip/src/adapter", only: ["base", "checkpoint", "files"] },
  ],
  [{ name: "tasks", path: "packages/blip/src/tasks" }],
  [{ name: "load", path: "packages/blip/src/load" }],
  [
    { name: "save", path: "packages/blip/src/save" },
    { name: "run", path: "packages/blip/src/run" },
    { name: "processor", path: "packages/blip/src/processor" },
  ],
  [
    { name: "train/objective", path: "packages/blip/src/train/objective.ts", only: ["graph"] },
    { name: "train/errors", path: "packages/blip/src/train/errors.ts", only: ["base"] },
    { name: "train/curves", path: "packages/blip/src/train/curves", only: ["base"] },
  ],
  [
    {
      name: "train/objectives",
      path: "packages/blip/src/train/objectives",
      only: ["base", "graph", "model", "decode", "train/objective"],
    },
  ],
  [
    {
      name: "train/lora",
      path: "packages/blip/src/train/lora",
      only: ["base", "graph", "adapter", "train/objective", "train/objectives"],
    },
    {
      name: "train/optimizer",
      path: "packages/blip/src/train/optimizer",
      only: ["base", "engine", "weights"],
    },
    {
      name: "train/checkpoint",
      path: "packages/blip/src/train/checkpoint",
      only: ["base", "checkpoint", "files", "train/errors"],
    },
  ],
  [
    {
      name: "train/step",
      path: "packages/blip/src/train/step",
      only: ["graph", "engine", "train/objective", "train/errors", "train/optimizer"],
    },
    {
      name: "train/recipes",
      path: "packages/blip/src/train/recipes",
      only: ["base", "train/data", "train/optimizer"],
    },
  ],
  [{ name: "train/loop", path: "packages/blip/src/train/loop" }],
  [{ name: "train/run", path: "packages/blip/src/train/run" }],
  [{ name: "classes", path: "packages/blip/src/classes" }],
  [{ name: "verbs", path: "packages/blip/src/verbs" }],
  [
    { name: "serve", path: "packages/blip/src/serve" },
    { name: "tools", path: "packages/blip/src/tools" },
    { name: "evaluate", path: "packages/blip/src/evaluate" },
  ],
  [{ name: "capfilt", path: "packages/blip/src/capfilt" }],
  [{ name: "api", path: "packages/blip/src" }],
  [
    { name: "platform/node", path: "packages/blip/src/platform/node" },
    { name: "platform/web", path: "packages/blip/src/platform/web" },
  ],
  [
    {
      name: "train/node",
      path: "packages/blip/src/train/node",
      only: [
        ...["base", "datasets", "datasets entry", "image", "train/data", "train/run", "platform/node"],
        ...["platform interface", "evaluate", "capfilt", "engine/node"],
      ],
    },
    {
      name: "train/web",
      path: "packages/blip/src/train/web",
      only: ["base", "datasets", "image", "train/data", "platform/web"],
    },
  ],
  [
    { name: "node entry", path: "packages/blip/src/node.ts" },
    { name: "web entry", path: "packages/blip/src/web.ts" },
  ],
  // Makes data and is never shipped. It uses the readers only through their files.
  [{ name: "world", path: "train/world/src", only: ["base", "checkpoint", "graph", "metrics"] }],
  // The command reads data files for `--pairs` itself, since this is its own argument and no library option.
  [{ name: "cli", path: "packages/cli/src", only: ["node entry", "train/node", "base", "datasets entry"] }],
];

export const rooms = layers.flatMap((layer, level) => layer.map((room) => ({ ...room, level })));

const escape = (path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The pattern of a room's paths, without those of rooms inside its folder. */
function pattern(room) {
  if (room.path.endsWith(".ts")) return `^${escape(room.path)}$`;
  const within = rooms
    .filter((other) => other !== room && other.path.startsWith(`${room.path}/`))
    .map(({ path }) => escape(path.slice(room.path.length + 1)) + (path.endsWith(".ts") ? "$" : "/"));
  return `^${escape(room.path)}/${within.length > 0 ? `(?!${within.join("|")})` : ""}`;
}

/** One rule per room, in dependency-cruiser's form: the imports that are forbidden for the room. */
export function layerRules() {
  return rooms.map((room) => {
    const mayImport = (other) =>
      other === room || (room.only ? room.only.includes(other.name) : other.level < room.level);
    return {
      name: `layer-${room.name.replace(/\W+/g, "-")}`,
      comment: `${room.name} may import ${room.only ? room.only.join(", ") || "no other room" : "the rooms below it"}`,
      severity: "error",
      from: { path: pattern(room) },
      to: { path: rooms.filter((other) => !mayImport(other)).map(pattern) },
    };
  });
}

/** Modules that start a program or are imported by name: packages, pages, the command, threads. */
const entries =
  "^packages/[^/]+/src/(index|node|web|platform-api|bin|bench/(index|first-score)|(train/)?(node|web)/(index|[a-z]+-thread)|platform/web/image-worker|platform/node/decoding/decoder-child|train/objectives/index)\\.ts$";
/** Modules that only tests import: the plain form of a compiled kernel. */
const oracles = "^packages/engine/src/training/kernel/plain-kernel\\.ts$";

/** Finds modules that no entry point reaches, such as a pass, a verb or a command that no list names. */
export function forgottenRule() {
  return {
    name: "forgotten",
    severity: "error",
    from: { path: entries },
    to: {
      path: "^packages/(?!testing/)[^/]+/src/",
      pathNot: [entries, oracles, "\\.d\\.ts$"],
      reachable: false,
    },
  };
}
