import { floatTensor, type Tensor } from "@blip-ts/graph";
import { describe, expect, test } from "vitest";
import { positiveTargets, rampedAlpha } from "./contrast.ts";
import { KeyQueue, queueLength } from "./key-queue.ts";

const features = (first: number, rows: number): Tensor<"float32"> =>
  floatTensor(
    [rows, 2],
    Array.from({ length: rows * 2 }, (_, at) => first + at),
  );

describe("the queue's length", () => {
  const lines: string[] = [];
  const length = (asked: number, batch: number, samples: number | undefined) =>
    queueLength({ asked, batch, samples }, ({ message }) => lines.push(message));

  test("is what is asked for, if batches fit and the data is as long", () => {
    expect(length(57_600, 32, 60_000)).toBe(57_600);
    expect(length(57_600, 32, undefined)).toBe(57_600);
    expect(lines).toEqual([]);
  });

  test("shrinks to the data, with a line", () => {
    expect(length(57_600, 8, 20)).toBe(16);
    expect(lines.splice(0)).toEqual(["The queue holds 16 pairs instead of 57600: the data has 20."]);
  });

  test("is a multiple of the batch", () => {
    expect(length(100, 8, 1000)).toBe(96);
    expect(lines.splice(0)).toEqual([
      "The queue holds 96 pairs instead of 100: a multiple of the batch of 8.",
    ]);
  });

  test("is one batch at least", () => {
    expect(length(64, 8, 3)).toBe(8);
    expect(() => length(4, 8, 100)).toThrow(
      "queue: expected a whole number of at least one batch (8), got 4.",
    );
  });
});

describe("a queue", () => {
  test("begins with random unit vectors of no image", () => {
    const queue = new KeyQueue(50, 16, 7);
    const data = queue.inputs().image_queue?.data as Float32Array;
    for (let row = 0; row < 50; row++) {
      const vector = data.subarray(row * 16, (row + 1) * 16);
      expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    }
    expect(Math.abs(data.reduce((sum, x) => sum + x, 0) / data.length)).toBeLessThan(0.03);
    expect(new Set(queue.ids)).toEqual(new Set([-100]));
    expect(new KeyQueue(50, 16, 7).inputs()).toEqual(queue.inputs());
    expect(new KeyQueue(50, 16, 8).inputs()).not.toEqual(queue.inputs());
  });

  test("lets the newest take the place of the oldest", () => {
    const queue = new KeyQueue(4, 2, 1);
    queue.add(features(0, 2), features(100, 2), [1, 2]);
    queue.add(features(10, 2), features(110, 2), [3, 4]);
    queue.add(features(20, 2), features(120, 2), [5, 6]);
    const { image_queue: images, text_queue: texts } = queue.inputs();
    expect([...(images?.data ?? [])]).toEqual([20, 21, 22, 23, 10, 11, 12, 13]);
    expect([...(texts?.data ?? [])]).toEqual([120, 121, 122, 123, 110, 111, 112, 113]);
    expect([...queue.ids]).toEqual([5, 6, 3, 4]);
  });

  test("goes on as it was after a resume, and refuses another's state", () => {
    const queue = new KeyQueue(4, 2, 1);
    queue.add(features(0, 2), features(100, 2), [1, 2]);
    const state = queue.state();
    const resumed = new KeyQueue(4, 2, 9);
    resumed.restore(state);
    for (const one of [queue, resumed]) one.add(features(30, 2), features(130, 2), [7, 8]);
    expect(resumed.state()).toEqual(queue.state());
    expect(() => {
      new KeyQueue(6, 2, 1).restore(state);
    }).toThrow(
      "saved state, image_queue: expected [6, 2], got [4, 2]. Resume with the settings that the run began with.",
    );
  });

  test("refuses features of another batch", () => {
    expect(() => {
      new KeyQueue(4, 2, 1).add(features(0, 2), features(0, 1), [1, 2]);
    }).toThrow("features of texts: expected 4 numbers, got 2.");
  });
});

describe("targets", () => {
  test("are all keys of a row's own image, each with the same share", () => {
    const { dims, data } = positiveTargets([7, 3, 7], [3, -100, 7], "image");
    const third = Math.fround(1 / 3);
    expect(dims).toEqual([3, 6]);
    expect([...data]).toEqual([
      ...[third, 0, third, 0, 0, third],
      ...[0, 0.5, 0, 0.5, 0, 0],
      ...[third, 0, third, 0, 0, third],
    ]);
  });

  test("are the pair alone in pre-training, whatever the queue holds", () => {
    expect([...positiveTargets([7, 7], [7, 7], "pair").data]).toEqual([1, 0, 0, 0, 0, 1, 0, 0]);
  });

  test("become soft over the first steps", () => {
    const alpha = rampedAlpha(0.4, 10);
    expect([0, 5, 10, 100].map(alpha)).toEqual([0, 0.2, 0.4, 0.4]);
    expect(rampedAlpha(0.4, 0)(0)).toBe(0.4);
  });
});
