// A run's messages about memory, before it begins and when memory runs out.
import { InputError, ModelError } from "@blip-ts/base";
import { describe, expect, test } from "vitest";
import { memoryText, memoryWarning, savings, withMemoryAdvice } from "./memory.ts";

const needed = { weights: 1.5e9, gradients: 1e9, moments: 2e9, activations: 5e8, total: 5e9 };
const settings: Parameters<typeof savings>[0] = {
  ...{ task: "caption", batchSize: 8, accumulate: 1 },
  ...{ recompute: false, freeze: null, lora: null },
};

test("the estimate names its parts", () => {
  expect(memoryText(needed)).toBe(
    "about 5,000 MB (weights 1,500 MB, gradients 1,000 MB, moments 2,000 MB, a step 500 MB)",
  );
});

test("only options that are not used yet are said to help", () => {
  expect(savings(settings)).toBe(
    "a smaller batch (batchSize: 4, accumulate: 2), layers that are computed a second time (recompute: true), " +
      'parts that are not trained (freeze: "imageEncoder"), smaller images (imageSize)',
  );
  expect(savings({ ...settings, batchSize: 3, accumulate: 2 })).toContain("batchSize: 1, accumulate: 6");
  expect(savings({ ...settings, batchSize: 1, recompute: true, freeze: "imageEncoder" })).toBe(
    "smaller images (imageSize)",
  );
});

test("only options that the run may use are said to help", () => {
  const lora = { rank: 4, alpha: 8, dropout: 0, targets: ["query"], modulesToSave: [], rslora: false };
  expect(savings({ ...settings, lora })).not.toContain("freeze");
  // ITM needs two rows.
  for (const task of ["match", "pretrain"] as const) {
    expect(savings({ ...settings, task, batchSize: 3 })).toContain("batchSize: 2, accumulate: 2");
    expect(savings({ ...settings, task, batchSize: 2 })).not.toContain("batchSize");
  }
});

test("a warning comes only if less is free than is needed", () => {
  expect(memoryWarning(needed, 5e9, settings)).toBeUndefined();
  expect(memoryWarning(needed, undefined, settings)).toBeUndefined();
  expect(memoryWarning(needed, 4_999_000_000, settings)).toMatchObject({
    code: "train/low-memory",
    message: expect.stringMatching(
      /expected about 5,000 MB .* got 4,999 MB that are free.*recompute: true/,
    ) as string,
  });
});

describe("what runs out of memory is one error", () => {
  const failing = (error: Error) =>
    withMemoryAdvice(settings, async (tell) => {
      tell(needed);
      return Promise.reject(error);
    });

  test.each([
    new Error("std::bad_alloc"),
    new Error(
      "Non-zero status code ... Failed to allocate memory for requested buffer of size 281474976710656",
    ),
    new RangeError("WebAssembly.Memory(): could not allocate memory"),
    new RangeError("Array buffer allocation failed"),
    new Error("Aborted(OOM)"),
    Object.assign(new Error("Worker terminated due to reaching memory limit: JS heap out of memory"), {
      code: "ERR_WORKER_OUT_OF_MEMORY",
    }),
    new ModelError("train/memory", "memory: expected 4,000 MiB for weights, gradients and moments"),
  ])("of %s", async (cause) => {
    await expect(failing(cause)).rejects.toMatchObject({
      name: "ModelError",
      code: "train/memory",
      message: expect.stringContaining("expected about 5,000 MB") as string,
      cause,
    });
    await expect(failing(cause)).rejects.toThrow("batchSize: 4, accumulate: 2");
  });

  test("and other errors pass", async () => {
    const other = new ModelError("train/not-finite", "step 3");
    await expect(failing(other)).rejects.toBe(other);
    const image = new InputError(
      "image/too-large",
      "cat.png: expected an image, got one whose allocation failed",
    );
    await expect(failing(image)).rejects.toBe(image);
    const plain = new Error("the allocation table is empty");
    await expect(failing(plain)).rejects.toBe(plain);
  });
});
