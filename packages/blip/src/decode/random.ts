// A small seeded random generator (sfc32, Chris Doty-Humphrey's PractRand) with the same numbers on every platform.

/** Returns the next random number, from 0 to below 1. */
export type Random = () => number;

/** Creates a generator. @param stream distinguishes sequences of the same seed, such as the n-th sample of an image */
export function seededRandom(seed: number, stream: number): Random {
  let [a, b, c, counter] = [seed | 0, Math.floor(seed / 2 ** 32) | 0, stream | 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round++) next();
  // Use 53 bits, like Math.random.
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}
