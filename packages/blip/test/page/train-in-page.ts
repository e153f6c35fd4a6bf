// A training run in a page: the files that it was given, its engine in a worker, its folder in memory.
import { startWebTraining } from "@blip-ts/engine/web";
import { configure } from "../../src/platform/web/settings.ts";
import { webPlatform } from "../../src/platform/web/web-platform.ts";
import { runTraining, type TrainOptions } from "../../src/train/run/index.ts";
import { createTrainingData } from "../../src/train/web/index.ts";
import { memoryFiles } from "./memory-files.ts";

/**
 * Trains a captioner.
 * @param addresses of the list and the images, which have to be files of the page
 * @returns metrics.jsonl, and the bytes of each file of the result
 */
async function trainInPage(
  addresses: Readonly<Record<string, string>>,
  list: string,
  options: Pick<TrainOptions, "model" | "batchSize" | "epochs" | "lr" | "seed">,
): Promise<{ readonly metrics: string; readonly sizes: Readonly<Record<string, number>> }> {
  configure({ runtime: "/ort/", models: "/models/" });
  const given = await Promise.all(
    Object.entries(addresses).map(async ([path, address]) => ({
      path,
      file: await (await fetch(address)).blob(),
    })),
  );
  const files = memoryFiles();
  const parts = {
    platform: { ...webPlatform, createFolder: (path: string) => files.createFolder(path) },
    training: { startTraining: startWebTraining({ runtime: "/ort/" }, 1), files },
    openData: (data: Parameters<typeof createTrainingData>[2]) =>
      createTrainingData("caption", given, { ...data, list }),
  };
  await runTraining("caption", parts, {
    ...options,
    ...{ out: "run", recipe: "few", augment: false, threads: 1 },
  });
  const result = "run/model/";
  return {
    metrics: (await files.readText("run/metrics.jsonl")) ?? "",
    sizes: Object.fromEntries(
      [...files.contents].flatMap(([path, bytes]) =>
        path.startsWith(result) ? [[path.slice(result.length), bytes.length] as const] : [],
      ),
    ),
  };
}

export type TrainInPage = typeof trainInPage;

Object.assign(globalThis, { trainInPage });
