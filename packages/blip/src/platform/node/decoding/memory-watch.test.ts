// A decoder that takes more memory than its image's header suggests.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { spareBytes, watchMemory } from "./memory-watch.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("is told once, and not for what was to be expected", () => {
  let resident = 70e6;
  const exceeded = vi.fn();
  const end = watchMemory(100e6, () => resident, exceeded);
  resident += 150e6 + spareBytes;
  vi.advanceTimersByTime(1000);
  expect(exceeded).not.toHaveBeenCalled();
  resident += 1;
  vi.advanceTimersByTime(1000);
  expect(exceeded.mock.calls).toEqual([[resident]]);
  end();
});

test("is not looked at any more when it is done", () => {
  let resident = 0;
  const exceeded = vi.fn();
  watchMemory(1, () => resident, exceeded)();
  resident = 1e12;
  vi.advanceTimersByTime(1000);
  expect(exceeded).not.toHaveBeenCalled();
});
