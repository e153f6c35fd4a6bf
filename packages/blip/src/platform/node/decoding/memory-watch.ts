// What a process takes, looked at while it decodes: a native decoder allocates what it likes, and asks nobody.

/** How often it is looked at. */
const lookMilliseconds = 20;
/** What a decoder may take beyond what was expected of it: a process's own memory grows, too. */
export const spareBytes = 96e6;
/** How far an image may be from what was expected. */
const tolerance = 1.5;

/**
 * Calls `exceeded`, once, if the process takes more than an image lets expect.
 * @param needs bytes that the image needs by its header @param resident gives the bytes that the process takes
 * @returns ends the watch
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
