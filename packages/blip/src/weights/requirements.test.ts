import { describe, expect, it } from "vitest";
import { failureOf } from "@blip-ts/testing";
import { storedTensors } from "../../test/support/stored-tensors.ts";
import { checkRequired } from "./requirements.ts";

const required = new Map([
  ["a", [2, 3]],
  ["b", [4]],
]);

describe("checkRequired", () => {
  it("passes a file that has exactly what is needed", () => {
    expect(checkRequired(storedTensors({ a: [2, 3], b: [4] }), required)).toEqual([]);
  });

  it("passes what is declared as an intended gap, and says which", () => {
    const gaps = [
      { covers: (name: string) => name.startsWith("text_decoder."), reason: "not used for matching" },
    ];
    const tensors = storedTensors({ a: [2, 3], b: [4], "text_decoder.x": [1] });
    expect(checkRequired(tensors, required, gaps)).toEqual([
      { name: "text_decoder.x", reason: "not used for matching" },
    ]);
  });

  it("reports everything that is wrong in one error, with expected and found shapes", async () => {
    const failure = await failureOf(() => checkRequired(storedTensors({ a: [3, 2], c: [1] }), required));
    expect(failure.code).toBe("checkpoint/mismatch");
    expect(failure.message).toBe(
      "m.pth: the file does not fit the model: 1 tensor is missing (b); 1 tensor is unexpected (c); " +
        "1 tensor has another shape (a: expected [2, 3], got [3, 2]). " +
        "Nothing was loaded. Check that the configuration belongs to this file and that the file is for this task.",
    );
    expect(failure.fields).toEqual({
      where: "m.pth",
      missing: ["b"],
      unexpected: ["c"],
      misshaped: [{ name: "a", expected: [2, 3], found: [3, 2] }],
      mistyped: [],
    });
  });

  it.each(["int64", "int32", "int16", "bool", "int8", "uint8"] as const)(
    "refuses %s where floating-point numbers belong",
    async (dtype) => {
      const tensors = new Map(
        [...storedTensors({ a: [2, 3], b: [4] })].map(([name, tensor]) => [
          name,
          name === "b" ? { ...tensor, dtype } : tensor,
        ]),
      );
      const failure = await failureOf(() => checkRequired(tensors, required));
      expect(failure.code).toBe("checkpoint/mismatch");
      expect(failure.message).toContain(
        `1 tensor holds numbers of another type (b: expected floating-point numbers, got ${dtype})`,
      );
      expect(failure.fields).toMatchObject({ mistyped: [{ name: "b", found: dtype }] });
      // An 8-bit matrix with its scales stands for the floating-point one.
      expect(checkRequired(tensors, required, [], new Set(["b"]))).toEqual([]);
    },
  );

  it("tells shapes of another rank apart", async () => {
    for (const b of [[4, 1], []])
      expect(await failureOf(() => checkRequired(storedTensors({ a: [2, 3], b }), required))).toMatchObject({
        fields: { misshaped: [{ name: "b" }] },
      });
  });

  it("shows ten names of many, and has all of them as fields", async () => {
    const many = Array.from({ length: 300 }, (_, index) => `extra.${index}`);
    const failure = await failureOf(() => checkRequired(storedTensors(many), new Map()));
    expect(failure.message).toContain("300 tensors are unexpected (extra.0, ");
    expect(failure.message).toContain("extra.9, and 290 more)");
    expect(failure.fields.unexpected).toHaveLength(300);
  });
});
