// Measures the time of a repeated operation.

/** A first run of at least this many seconds is not repeated. */
const long = 20;
/** The timed runs: as many as fit into this many seconds, up to this number. */
const [enough, most] = [1, 10];

/**
 * @param run called 1 to 11 times. The first call starts threads and takes memory, and counts only if it took 20
 * seconds.
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
