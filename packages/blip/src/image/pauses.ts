// Long loops over pixels give the host's event loop its turn, so that servers answer and pages stay alive.

/** Work between two turns of the event loop. */
const sliceMilliseconds = 8;

/** Undefined while the slice lasts, else a promise to await. */
export type Pause = () => Promise<void> | undefined;

/** A clock for one piece of work: `const wait = pause(); if (wait) await wait;` every 0.1 ms or so. */
export function pauses(): Pause {
  let until = Date.now() + sliceMilliseconds;
  const restart = () => {
    until = Date.now() + sliceMilliseconds;
  };
  return () =>
    Date.now() < until
      ? undefined
      : new Promise<void>((resolve) => {
          setTimeout(() => {
            restart();
            resolve();
          }, 0);
        });
}
