// Why untrusted images are decoded in processes: a decode in a thread cannot be stopped, one in a process can.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const sharpPath = pathToFileURL(createRequire(import.meta.url).resolve("sharp")).href;
const drawing =
  '<svg xmlns="http://www.w3.org/2000/svg" width="3000" height="3000"><filter id="f" x="0" y="0" width="1" height="1">' +
  '<feMorphology operator="dilate" radius="2000"/></filter><rect width="3000" height="3000" filter="url(#f)"/></svg>';

/**
 * Decodes the drawing in a worker thread, terminates the thread, and prints the process's computing time afterwards.
 */
const program = `
  import { Worker } from "node:worker_threads";
  const worker = new Worker(
    \`import { parentPort } from "node:worker_threads";
      import sharp from "${sharpPath}";
      void sharp(Buffer.from("${Buffer.from(drawing).toString("base64")}", "base64")).raw().toBuffer();
      parentPort.postMessage("begun");\`,
    { eval: true },
  );
  await new Promise((begun) => worker.once("message", begun));
  await new Promise((later) => setTimeout(later, 300));
  // terminate() may never settle, because the thread waits for its own native call.
  void worker.terminate();
  await new Promise((later) => setTimeout(later, 500));
  const before = process.cpuUsage();
  await new Promise((later) => setTimeout(later, 1000));
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ computed: (user + system) / 1e6 }));
  // Lets the printed output arrive first.
  setTimeout(() => process.kill(process.pid, "SIGKILL"), 100);
`;

test("a decode in a thread continues after the thread was ended; the end of its process ends it", async () => {
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 60_000,
  });
  const { stdout, signal } = (await run.catch((error: unknown) => error)) as {
    stdout: string;
    signal: string;
  };
  const { computed } = JSON.parse(stdout) as { computed: number };
  // CPU seconds in a second in which the result is no longer needed.
  expect(computed).toBeGreaterThan(0.1);
  expect(signal).toBe("SIGKILL");
});
