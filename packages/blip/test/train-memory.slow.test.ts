// A run that finds no more memory in the middle of its steps.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Platform } from "../src/platform.ts";
import { nodePlatform } from "../src/platform/node/node-platform.ts";
import { nodeTraining } from "../src/platform/node/training-platform.ts";
import type { TrainingDataOptions } from "../src/train/data/options.ts";
import { createTrainingData } from "../src/train/node/create-training-data.ts";
import { train, type NodeTrainOptions } from "../src/train/node/train.ts";
import { runTraining } from "../src/train/run/index.ts";
import { sceneData, sceneList } from "./support/training-scenes.ts";

let root: string;
let captions: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "blip-memory-"));
  captions = await sceneData(join(root, "data"), await sceneList(8), ({ image, true: caption }) => ({
    image,
    caption,
  }));
});
afterAll(() => rm(root, { recursive: true, force: true }));

let count = 0;
const short = (more: Partial<NodeTrainOptions> = {}): NodeTrainOptions => ({
  model: fileURLToPath(new URL("../../../fixtures/tiny/caption", import.meta.url)),
  ...{
    out: join(root, `run-${count++}`),
    recipe: "few",
    seed: 1,
    threads: 1,
    workers: 0,
    batchSize: 4,
    lr: 1e-3,
  },
  ...more,
});
const weightsOf = (out: string) => readFile(join(out, "model/model.safetensors"));

describe("memory", () => {
  /** A run whose thread finds no memory for its third step. */
  async function failing(options: NodeTrainOptions, freeMemory: number) {
    let runs = 0;
    const startTraining: typeof nodeTraining.startTraining = (listener) => {
      const port = nodeTraining.startTraining(listener);
      return {
        ...port,
        post(request, taken) {
          const fails = request.kind === "run" && ++runs === 3;
          if (!fails) port.post(request, taken);
          else
            queueMicrotask(() =>
              listener.message({
                id: request.id,
                failure: {
                  message: "bad_alloc",
                  known: {
                    type: "model",
                    code: "train/memory",
                    message: "memory: expected enough for a run, got bad_alloc",
                  },
                },
              }),
            );
        },
      };
    };
    const parts = {
      ...{ platform: nodePlatform as Platform<never>, training: { ...nodeTraining, startTraining } },
      openData: (given: TrainingDataOptions) =>
        createTrainingData("caption", captions, { ...given, workers: 0 }),
      freeMemory: () => freeMemory,
    };
    return runTraining("caption", parts, options);
  }

  test("that ends ends the run with the estimate and what helps; it goes on from there", async () => {
    const whole = short({ epochs: 2 });
    await train("caption", captions, whole);
    const warnings: string[] = [];
    const measured: boolean[] = [];
    const options = short({
      epochs: 2,
      onWarning: ({ message }) => warnings.push(message),
      onPlan: (plan) => measured.push(plan.measured),
    });
    await expect(failing(options, 1e6)).rejects.toMatchObject({
      code: "train/memory",
      message: expect.stringMatching(
        /^memory: expected about [\d,]+ MB \(weights .*got .*bad_alloc.*batchSize: 2, accumulate: 2.*recompute: true/,
      ) as string,
    });
    // Nothing is computed before its first step.
    expect(measured).toEqual([false]);
    // A byte more is needed than the 1 MB that is free.
    expect(warnings).toEqual([expect.stringMatching(/^memory: expected about .* got 1 MB that are free/)]);
    await train("caption", captions, { ...short({ epochs: 2 }), out: options.out, resume: true });
    expect((await weightsOf(options.out)).equals(await weightsOf(whole.out))).toBe(true);
  });

  test("that is enough is not spoken of", async () => {
    const warnings: string[] = [];
    const options = short({ epochs: 1, onWarning: ({ message }) => warnings.push(message) });
    await failing(options, 1e12);
    expect(warnings).toEqual([]);
  });
});
