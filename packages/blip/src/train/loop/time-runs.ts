// How long something takes that is done again and again.

/** A first run of as many seconds is not made a second time. */
const long = 20;
/** Runs that are timed: as many as there are in so many seconds, but not more. */
const [enough, most] = [1, 10];

/**
 * @param run is called 1 to 11 times: the first call starts threads and takes memory, and counts only if it took 20 seconds
 * @param now milliseconds
 * @returns seconds of a run
 */
export async function secondsPerRun(
  run: () => Promise<void>,
  now: () => number = () => Date.now(),
): Promise<number> {
  const begun = now();
  await run();
  const first = (now() - begun) / 1000;
  if (first >= long) return first;
  const from = now();
  let [runs, passed] = [0, 0];
  while (runs < most && passed < enough) {
    await run();
    runs++;
    passed = (now() - from) / 1000;
  }
  return passed / runs;
}
