// The program `blip`.
import { main } from "./index.ts";

const interrupted = new AbortController();
process.once("SIGINT", () => {
  interrupted.abort(new Error("interrupted"));
});
// A reader that has seen enough (`blip ... | head`) closes the pipe: that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

void main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupted.signal,
}).then((code) => {
  process.exitCode = code;
});
