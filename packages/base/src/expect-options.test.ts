import { describe, expect, expectTypeOf, test } from "vitest";
import { UsageError } from "./errors.ts";
import { expectOptions, optionNames, picked, withoutNames } from "./expect-options.ts";
import { nearestName } from "./nearest-name.ts";

interface Options {
  readonly beams?: number | undefined;
  readonly imageBatchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}
const names = optionNames<Options>()({ beams: true, imageBatchSize: true, signal: true });

const failure = (options: unknown): unknown => {
  try {
    expectOptions("caption", options as Options, names);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe("expectOptions", () => {
  test.each<[object, string]>([
    [{ beems: 3 }, 'caption: expected options that it takes, got "beems". Did you mean "beams"?'],
    [{ Beams: 3 }, 'Did you mean "beams"?'],
    [{ image_batch_size: 3 }, 'Did you mean "imageBatchSize"?'],
    [{ batchSize: 3 }, 'Did you mean "imageBatchSize"?'],
    [{ beams: 3, colour: "red" }, 'got "colour". It takes beams, imageBatchSize, signal.'],
    [JSON.parse('{"__proto__": 1}') as object, 'got "__proto__".'],
    [{ constructor: 1 }, 'got "constructor".'],
    [{ ["x".repeat(5000)]: 1 }, "..."],
  ])("refuses %j, and names the call, the option and the nearest one", (options, says) => {
    const error = failure(options);
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ code: "usage/unknown-option", fields: { call: "caption" } });
    expect((error as Error).message).toContain(says);
    expect((error as Error).message.length).toBeLessThan(300);
  });

  test.each([[[]], ["beams"], [3], [null], [true]])("rejects %j, which is not an object", (options) => {
    expect(failure(options)).toMatchObject({
      code: "usage/bad-option",
      message: expect.stringContaining("caption's options: expected an object, got") as string,
    });
  });

  test("accepts known options, no options, and undefined values", () => {
    const undefinedOne = { colour: undefined };
    for (const options of [undefined, {}, { beams: 1, signal: undefined }, undefinedOne])
      expect(failure(options)).toBeUndefined();
  });
});

test("names are exactly a type's keys", () => {
  // @ts-expect-error `signal` is missing.
  optionNames<Options>()({ beams: true, imageBatchSize: true });
  // @ts-expect-error there is no option `colour`.
  optionNames<Options>()({ ...names, colour: true });
  const without = withoutNames(names, "signal");
  expectTypeOf(without).toEqualTypeOf<Readonly<Record<"beams" | "imageBatchSize", true>>>();
  expect(Object.keys(without)).toEqual(["beams", "imageBatchSize"]);
  const options: Options & { readonly model: string } = { beams: 2, model: "m" };
  expect(picked<Options>(options, names)).toEqual({ beams: 2 });
});

test("a similar name is a typo, another one is not", () => {
  const known = ["threads", "device", "maxPixels", "k"];
  expect(
    ["thread", "devcie", "max-pixels", "maxpixel", "pixels"].map((name) => nearestName(name, known)),
  ).toEqual(["threads", "device", "maxPixels", "maxPixels", "maxPixels"]);
  expect(["q".repeat(65), "", "colour", "ab"].map((name) => nearestName(name, known))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
