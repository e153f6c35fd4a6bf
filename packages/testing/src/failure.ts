// Catches the error that a call must throw.
import { expect } from "vitest";
import { BlipError } from "@blip-ts/base";

/** The BlipError that `work` throws or rejects with. Any other outcome fails the test. */
export async function failureOf(work: () => unknown): Promise<BlipError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BlipError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}
