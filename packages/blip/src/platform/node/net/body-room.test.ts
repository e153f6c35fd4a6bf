import { expect, test, vi } from "vitest";
import { BodyRoom } from "./body-room.ts";

/** Whether it settles in this turn of the event loop. */
async function isDone(work: Promise<void>): Promise<boolean> {
  let done = false;
  void work.then(
    () => (done = true),
    () => (done = true),
  );
  await new Promise((turn) => setImmediate(turn));
  return done;
}

test("bodies together take no more than there is, but for the one that goes first", async () => {
  const room = new BodyRoom(100, 0);
  const [first, second, third] = [room.open(), room.open(), room.open()];
  await first.take(60);
  await second.take(40);
  // All would wait for each other if none of them continued.
  await first.take(30);
  expect(room.taken).toBe(130);
  const [more, other] = [second.take(10), third.take(1)];
  expect(await isDone(more)).toBe(false);
  await first.take(30);
  first.close();
  first.close();
  await Promise.all([more, other]);
  expect(room.taken).toBe(51);
  second.close();
  third.close();
  expect(room.taken).toBe(0);
});

test("the next one goes first when the first one is done", async () => {
  const room = new BodyRoom(10, 0);
  const [first, second, third] = [room.open(), room.open(), room.open()];
  await first.take(20);
  const [more, last] = [second.take(20), third.take(20)];
  expect([await isDone(more), await isDone(last)]).toEqual([false, false]);
  first.close();
  expect([await isDone(more), await isDone(last)]).toEqual([true, false]);
  second.close();
  await last;
});

test("the first bytes of a body never wait", async () => {
  const room = new BodyRoom(10, 5);
  const large = room.open();
  await large.take(25);
  const small = room.open();
  await small.take(3);
  await small.take(2);
  expect(room.taken).toBe(20);
  expect(await isDone(small.take(1))).toBe(false);
});

test("who leaves waits no more, and holds up nobody", async () => {
  const room = new BodyRoom(10, 0);
  const [first, second, third] = [room.open(), room.open(), room.open()];
  await first.take(11);
  const stop = new AbortController();
  const more = second.take(10, stop.signal);
  const last = third.take(10);
  stop.abort(new Error("enough"));
  await expect(more).rejects.toThrow("enough");
  await expect(second.take(1, stop.signal)).rejects.toThrow("enough");
  first.close();
  await last;
  expect(room.taken).toBe(10);
});

test("a signal keeps no listener of what was admitted", async () => {
  const { signal } = new AbortController();
  const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
  await new BodyRoom(10, 0).open().take(5, signal);
  expect(remove.mock.calls.length).toBe(add.mock.calls.length);
});
