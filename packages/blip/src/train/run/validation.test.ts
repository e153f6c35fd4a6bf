// The comparison of validations, and the state of validation that is saved.
import { describe, expect, test } from "vitest";
import { atBeginning, progressJson, progressOf } from "./progress.ts";
import { validationSettings } from "./validation-options.ts";
import { isBetter, type Validation } from "./validation.ts";

const found = (loss: number, ciderD?: number): Validation => ({
  loss,
  metrics: ciderD === undefined ? {} : { ciderD },
});

test.each<[string, Validation, Validation | undefined, string, boolean]>([
  ["the first", found(3, 0.1), undefined, "ciderD", true],
  ["a higher metric, though the loss is higher", found(3, 0.2), found(2, 0.1), "ciderD", true],
  ["a lower metric, though the loss is lower", found(1, 0.1), found(2, 0.2), "ciderD", false],
  ["of equal metrics the lower loss", found(1, 0.2), found(2, 0.2), "ciderD", true],
  ["of equal metrics not the higher loss", found(3, 0.2), found(2, 0.2), "ciderD", false],
  ["equal ones", found(2, 0.2), found(2, 0.2), "ciderD", false],
  ["without the metric, the lower loss", found(1), found(2), "ciderD", true],
  ["a metric where there was none", found(3, 0), found(2), "ciderD", true],
  ["by loss, the lower one", found(1, 0.1), found(2, 0.2), "loss", true],
  ["by loss, not the higher one", found(3, 0.9), found(2, 0.2), "loss", false],
  ["a loss that is no number", found(NaN, 9), undefined, "ciderD", false],
])("%s: is it better?", (_what, own, best, by, better) => {
  expect(isBetter(own, best, by)).toBe(better);
});

test("progress is the same after it was saved", () => {
  const progress = {
    ...atBeginning,
    epoch: 2,
    lossSum: 7.25,
    best: found(2.5, 0.75),
    stale: 1,
    validated: 12,
  };
  const saved: unknown = JSON.parse(JSON.stringify(progressJson(progress)));
  expect(progressOf(saved)).toEqual(progress);
  expect(progressOf(JSON.parse(JSON.stringify(progressJson(atBeginning))))).toEqual(atBeginning);
  expect(progressOf({ ...(saved as object), validated: undefined })).toBeUndefined();
});

describe("settings", () => {
  test("choose by the metric that BLIP chooses by, pre-training by the loss", () => {
    expect(validationSettings("caption", {}, true)).toEqual({
      ...{ validates: true, validationLimit: 1000, validationBeams: null, validationSteps: null },
      ...{ bestBy: "ciderD", patience: null },
    });
    expect(validationSettings("match", {}, true).bestBy).toBe("rMean");
    expect(validationSettings("pretrain", {}, true).bestBy).toBe("loss");
    expect(validationSettings("pretrain", { bestBy: "rMean" }, true).bestBy).toBe("rMean");
    expect(validationSettings("caption", { validationLimit: 0 }, true).bestBy).toBe("loss");
    expect(validationSettings("vqa", {}, false).bestBy).toBe("loss");
  });

  test.each([
    [{ bestBy: "accuracy" }, "bestBy: expected loss, ciderD, bleu4, got accuracy"],
    [{ bestBy: "ciderD", validationLimit: 0 }, "bestBy: expected loss, got ciderD"],
    [{ validationLimit: -1 }, "validationLimit: expected a whole number of at least 0, got -1"],
    [{ validationBeams: 0 }, "validationBeams: expected a whole number of at least 1"],
    [{ validationSteps: 1.5 }, "validationSteps: expected a whole number of at least 1"],
    [{ patience: 0 }, "patience: expected a whole number of at least 1"],
  ])("%j is refused", (options, says) => {
    expect(() => validationSettings("caption", options, true)).toThrow(says);
  });

  test.each(["validationLimit", "validationBeams", "validationSteps", "patience"])(
    "%s needs validation data",
    (name) => {
      expect(() => validationSettings("caption", { [name]: 1 }, false)).toThrow(
        `${name}: expected validation data with it, got none. Add the option validation.`,
      );
    },
  );
});
