// What went wrong, as the error that must have been thrown on purpose.
import { expect } from "vitest";
import { BlipError } from "@blip-ts/base";

/** The BlipError that `work` throws or rejects with; anything else fails the test. */
export async function failureOf(work: () => unknown): Promise<BlipError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof BlipError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}
