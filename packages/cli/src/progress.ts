// Progress bars on stderr; none if stderr is not a terminal, or with --quiet.
import { legible } from "@blip-ts/base";
import type { DownloadProgress } from "blip-ts";
import { SingleBar } from "cli-progress";
import { printLine, type Terminal } from "./terminal.ts";

export interface Progress {
  update(label: string, done: number, total: number): void;
  stop(): void;
}

const megabytes = (bytes: number) => Math.round(bytes / 1e5) / 10;

export function progressBar(terminal: Terminal, quiet: boolean | undefined): Progress {
  if (quiet === true || terminal.stderr.isTTY !== true)
    return { update: () => undefined, stop: () => undefined };
  let bar: SingleBar | undefined;
  let current = "";
  const stop = () => {
    bar?.stop();
    bar = undefined;
    current = "";
  };
  return {
    stop,
    update(name, done, total) {
      const label = legible(name);
      if (label !== current) {
        stop();
        current = label;
        bar = new SingleBar({
          stream: terminal.stderr,
          format: "{label} [{bar}] {value}/{total} {eta_formatted}",
          barsize: 24,
          hideCursor: true,
          clearOnComplete: true,
        });
        bar.start(total, done, { label });
      } else bar?.update(done);
      if (done >= total) stop();
    },
  };
}

/** Shows a model's download and the conversion of its weights in megabytes; prints a line about a conversion. */
export function loadProgress(
  progress: Progress,
  terminal: Terminal,
  quiet: boolean | undefined,
): (event: DownloadProgress) => void {
  let said = false;
  return ({ kind, file, loaded, total }) => {
    if (kind === "convert" && !said && quiet !== true)
      printLine(terminal.stderr, `Converting the weights of ${file}, to be kept for the next time`);
    said ||= kind === "convert";
    progress.update(`${file} (MB)`, megabytes(loaded), megabytes(total));
  };
}
