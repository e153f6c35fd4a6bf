// Watches a process's memory during decoding, because native decoders have no memory limit.

/** The interval between two checks. */
const lookMilliseconds = 20;
/** The additional bytes allowed for the process's own memory. */
export const spareBytes = 96e6;
/** The allowed ratio between an image's real and its expected memory. */
const tolerance = 1.5;

/**
 * Calls `exceeded` once if the process uses more memory than its image is expected to need.
 * @param needs bytes that the image needs by its header @param resident returns the process's current memory in bytes
 * @returns a function that ends the watch
 */
export function watchMemory(
  needs: number,
  resident: () => number,
  exceeded: (bytes: number) => void,
): () => void {
  const most = resident() + needs * tolerance + spareBytes;
  const timer = setInterval(() => {
    const bytes = resident();
    if (bytes <= most) return;
    clearInterval(timer);
    exceeded(bytes);
  }, lookMilliseconds);
  return () => clearInterval(timer);
}
