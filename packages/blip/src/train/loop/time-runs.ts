// Measures the time of a repeated operation.

/** If the first run takes at least this many seconds, it is not repeated. */
const long = 20;
/** Timed runs continue until this many seconds have passed, up to this number of runs. */
const [enough, most] = [1, 10];

/**
 * @param run called 1 to 11 times. The first call also starts threads and allocates memory. It counts only if it takes
 * at least 20 seconds.
 * @param now the time in milliseconds
 * @returns seconds per run
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
