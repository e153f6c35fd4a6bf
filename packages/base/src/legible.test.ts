import { expect, test } from "vitest";
import { ModelError } from "./errors.ts";
import { legible, legibleLines } from "./legible.ts";

test("escapes terminal control characters, and nothing else", () => {
  expect(legible("a\u001b[31m\u009b1m\u007f\u0007b")).toBe("a\\u001b[31m\\u009b1m\\u007f\\u0007b");
  expect(legible("one\ntwo\r\n\tthree")).toBe("one\\ntwo\\r\\n\\tthree");
  // A mark that reverses the writing direction: the name would read as a different one.
  expect(legible("gpj.\u202eexe")).toBe("gpj.\\u202eexe");
  expect(legible("half \ud800 of a pair")).toBe("half \\ud800 of a pair");
  const plain = "Ünïcode 日本 👩‍🌾 می‌خواهم C:\\folder\\new";
  expect(legible(plain)).toBe(plain);
});

test("keeps the lines of a text with several", () => {
  expect(legibleLines("one\n\u001btwo\n")).toBe("one\n\\u001btwo\n");
});

test("error messages are one line of printable characters", () => {
  const error = new ModelError("model/bad-config", "evil\u001b]0;title\u0007\nblip: all is well");
  expect(error.message).toBe("evil\\u001b]0;title\\u0007\\nblip: all is well");
});
