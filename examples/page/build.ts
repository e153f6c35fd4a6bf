// Builds examples/page/dist: the page, its script, the engine and the embedded model, for any static server.
import { copyFile, cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = join(root, "examples/page");
const made = join(here, "dist");
const blip = join(root, "packages/blip");
const engine = join(root, "node_modules/onnxruntime-web/dist");

await rm(made, { recursive: true, force: true });
for (const folder of ["", "engine", "models", "scenes"]) await mkdir(join(made, folder), { recursive: true });

const bundle = await rolldown({
  input: join(here, "page.ts"),
  platform: "browser",
  // Type checks use the sources; the page gets the published build.
  tsconfig: false,
  resolve: { alias: { "blip-ts": join(blip, "dist/web.js") } },
});
await bundle.write({ dir: made, format: "esm", entryFileNames: "page.js", minify: true });
await bundle.close();

// Workers are separate scripts beside the page's script: one computes, one decodes large images.
for (const name of ["web-session-worker.js", "web-image-worker.js"]) {
  const worker = await rolldown({
    input: join(blip, "dist", name),
    platform: "browser",
    external: /^onnxruntime-web/,
  });
  await worker.write({ dir: made, format: "esm", entryFileNames: name, minify: true });
  await worker.close();
}

for (const file of ["index.html", "page.css"]) await copyFile(join(here, file), join(made, file));
for (const file of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"])
  await copyFile(join(engine, file), join(made, "engine", file));
await cp(join(blip, "models"), join(made, "models"), { recursive: true });
for (const file of await readdir(join(root, "examples/scenes")))
  if (file.endsWith(".png")) await copyFile(join(root, "examples/scenes", file), join(made, "scenes", file));

const files = await readdir(made, { recursive: true, withFileTypes: true });
let total = 0;
for (const file of files) {
  if (!file.isFile()) continue;
  const { size } = await stat(join(file.parentPath, file.name));
  total += size;
  console.log(String(size).padStart(10), join(file.parentPath, file.name).slice(made.length + 1));
}
console.log(String(total).padStart(10), "in total. To see it: npx tsx examples/page/serve.ts");
