// Long work on pictures in slices, so that the host's event loop gets its turn. All pictures share one budget: four that
// are resized side by side take no longer slices than one.

/** Work between two turns of the event loop. */
const sliceMilliseconds = 8;

let turnBegan = Date.now();
let nextTurn: Promise<void> | undefined;

/** To be called between small pieces of work: undefined to go on, or a promise of the next turn where this one is used up. */
export function breathe(): Promise<void> | undefined {
  if (Date.now() - turnBegan < sliceMilliseconds) return undefined;
  nextTurn ??= new Promise((resolve) => {
    setTimeout(() => {
      turnBegan = Date.now();
      nextTurn = undefined;
      resolve();
    }, 0);
  });
  return nextTurn;
}
