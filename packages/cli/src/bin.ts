// The program `blip`.
import { main } from "./index.ts";
import { endWithOutput, standardOutput } from "./output.ts";
import { programName } from "./program-name.ts";

/** The milliseconds after Ctrl-C in which the verb may end itself. The engine cannot stop within a graph. */
const grace = 2000;
/** Training first finishes its step and saves its state, which may take minutes. A second Ctrl-C ends it at once. */
const trainingGrace = 600_000;
const interrupted = new AbortController();
process.once("SIGINT", () => {
  interrupted.abort(new Error("interrupted"));
  process.stdin.destroy();
  // End by the signal itself, which no longer has a handler and which a shell reports as 130. `process.exit` would wait
  // for the engine's current call, perhaps a batch of images.
  setTimeout(
    () => process.kill(process.pid, "SIGINT"),
    process.argv[2] === "train" ? trainingGrace : grace,
  ).unref();
});
const stdout = standardOutput();
endWithOutput({ stdout, stderr: process.stderr }, (code) => process.exit(code));

void main(process.argv.slice(2), {
  stdin: process.stdin,
  stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupted.signal,
  program: programName(process.argv[1], process.env),
}).then((code) => {
  process.exitCode = code;
});
