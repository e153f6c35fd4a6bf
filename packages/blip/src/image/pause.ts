// Long loops over pixels give the host's event loop its turn, so that servers answer and pages stay alive. All pictures
// share one slice: four that are worked on side by side hold the loop no longer than one.

/** Work between two turns of the event loop. */
const sliceMilliseconds = 8;

/** Undefined while the slice lasts, else a promise to await. */
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

/** A clock for one piece of work: `const wait = pause(); if (wait) await wait;` every 0.1 ms or so. */
export function pauses(): Pause {
  return pause;
}
