// Without sharp's native library: decoding reports the remedy, also across processes.
import { describe, expect, test } from "vitest";
import { ModelError } from "@blip-ts/base";
import { fromPlain, toPlain } from "./decoding/plain-error.ts";
import { loadSharp, orNoSharp } from "./load-sharp.ts";

const missing = () =>
  orNoSharp(
    Promise.reject(new Error('Could not load the "sharp" module using the linux-x64 runtime\n- ...')),
  );

describe("sharp", () => {
  test("is there", async () => {
    expect(typeof (await loadSharp())).toBe("function");
  });

  test("that cannot be loaded is named with what to do", async () => {
    await expect(missing()).rejects.toBeInstanceOf(ModelError);
    await expect(missing()).rejects.toMatchObject({
      code: "native/cannot-load",
      message: expect.stringMatching(/^sharp: expected its native library for .*npm install /) as string,
    });
  });

  test("says the same from a process of its own", async () => {
    const error: unknown = await missing().catch((failure: unknown) => failure);
    const passed = fromPlain(JSON.parse(JSON.stringify(toPlain(error))) as ReturnType<typeof toPlain>);
    expect(passed).toBeInstanceOf(ModelError);
    expect(passed).toMatchObject({ code: "native/cannot-load", message: (error as Error).message });
  });
});
