// Long loops over pixels yield to the host's event loop, so that servers answer and pages stay responsive. All images
// share a time slice: four concurrent images block the loop no longer than a single image.

/** The time of work between two turns of the event loop, in milliseconds. */
const sliceMilliseconds = 8;

/** Returns undefined while the slice lasts, then a promise to await. */
export type Pause = () => Promise<void> | undefined;

let until = 0;
let nextTurn: Promise<void> | undefined;

function pause(): Promise<void> | undefined {
  if (Date.now() < until) return undefined;
  nextTurn ??= new Promise((resolve) => {
    setTimeout(() => {
      until = Date.now() + sliceMilliseconds;
      nextTurn = undefined;
      resolve();
    }, 0);
  });
  return nextTurn;
}

/** Returns a clock for a piece of work. Call it about every 0.1 ms: `const wait = pause(); if (wait) await wait;` */
export function pauses(): Pause {
  return pause;
}
