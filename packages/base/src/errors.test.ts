import { expect, test } from "vitest";
import { badOption, InputError, ModelError, plainError, revivedError, UsageError } from "./index.ts";

test("an unknown code does not compile", () => {
  // @ts-expect-error: codes.ts does not list it
  expect(new ModelError("model/nonsense", "x").code).toBe("model/nonsense");
});

test.each([
  new ModelError("model/not-found", "no such file", { name: "a", missing: undefined }),
  new InputError("image/truncated", "cut", { bytes: 3 }),
  badOption("device", "gpu", ["cpu"]),
])("an error passes between threads with its class: $name", (error) => {
  const revived = revivedError(structuredClone(plainError(error)));
  expect(revived).toBeInstanceOf(error.constructor);
  expect(revived).toMatchObject({ name: error.name, code: error.code, message: error.message });
  expect(revived.fields).toEqual(JSON.parse(JSON.stringify(error.fields)));
  expect(revived instanceof UsageError).toBe(error instanceof UsageError);
});
