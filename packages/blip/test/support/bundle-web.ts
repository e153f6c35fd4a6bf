// Bundles the page's entry as a bundler does, with its workers beside it.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const dist = fileURLToPath(new URL("../../dist/", import.meta.url));

/**
 * Bundles a page's script with the built package. The workers go into the same folder.
 * @param entry a script; by default the package itself
 * @returns the code of the script and of each worker
 * @throws {Error} if an import cannot be resolved for browsers
 */
export async function bundleForPage(folder: string, entry = join(dist, "web.js")) {
  const one = async (input: string, name: string) => {
    const bundle = await rolldown({
      input,
      platform: "browser",
      // Type checks use the sources; the page gets the published build.
      tsconfig: false,
      resolve: { alias: { "blip-ts": join(dist, "web.js") } },
      // The engine is served beside the page.
      external: /^onnxruntime-web/,
    });
    const { output } = await bundle.write({ dir: folder, format: "esm", entryFileNames: name, minify: true });
    await bundle.close();
    return output.map((file) => (file.type === "chunk" ? file.code : "")).join("\n");
  };
  return {
    script: await one(entry, "script.js"),
    imageWorker: await one(join(dist, "web-image-worker.js"), "web-image-worker.js"),
    worker: await one(join(dist, "web-session-worker.js"), "web-session-worker.js"),
    trainingWorker: await one(join(dist, "web-training-worker.js"), "web-training-worker.js"),
  };
}
