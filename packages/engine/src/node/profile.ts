// Merges the ONNX Runtime traces of an engine's sessions into one file for chrome://tracing and Perfetto, and
// summarizes them.
import { asyncDispose, atLeast } from "@blip-ts/base";
import { mkdtempSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import type { Profile, ProfiledOperator } from "../device.ts";
import type { Engine, EngineModel, EngineSession, SessionOptions } from "../engine.ts";
import { cannotWriteTrace } from "./errors.ts";

/** An event of a trace. Times are in microseconds. */
interface TraceEvent {
  readonly cat?: string;
  readonly name: string;
  readonly ph: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: { readonly op_name?: string; readonly provider?: string; readonly name?: string };
}

/** A session's events and start time in milliseconds. */
export interface SessionTrace {
  readonly session: string;
  readonly begun: number;
  readonly events: readonly TraceEvent[];
}

/** Merges sessions into one trace: each becomes a process, and all use one clock. */
export function mergeTraces(traces: readonly SessionTrace[]): (TraceEvent & { readonly pid: number })[] {
  const first = Math.min(...traces.map(({ begun }) => begun));
  return traces.flatMap(({ session, begun, events }, index) => {
    const pid = index + 1;
    const name = { name: "process_name", ph: "M", pid, args: { name: session } };
    return [
      name,
      ...events.map((event) => ({ ...event, pid, ts: (event.ts ?? 0) + (begun - first) * 1000 })),
    ];
  });
}

const kernel = "_kernel_time";

/**
 * The time of each operator per provider. If a device reports the time of its kernels (events of category Api, named
 * node&operator&kernel), that time counts. Otherwise it is the time that the processor spent on the node.
 */
export function summarize(traces: readonly SessionTrace[]): ProfiledOperator[] {
  const operators = new Map<string, { calls: number; host: number; device: number | undefined }>();
  const entry = (provider: string, operator: string) => {
    const key = `${provider} ${operator}`;
    const counts = operators.get(key) ?? { calls: 0, host: 0, device: undefined };
    operators.set(key, counts);
    return counts;
  };
  for (const { events } of traces) {
    let device = "";
    for (const { cat, name, dur = 0, args } of events) {
      if (cat !== "Node" || !name.endsWith(kernel) || !args?.provider || !args.op_name) continue;
      const provider = args.provider.replace("ExecutionProvider", "");
      if (provider !== "CPU") device = provider;
      const counts = entry(provider, args.op_name);
      counts.calls++;
      counts.host += dur;
    }
    for (const { cat, name, dur = 0 } of events) {
      const operator = name.split("&")[1];
      if (cat !== "Api" || operator === undefined) continue;
      const counts = entry(device, operator);
      counts.device = (counts.device ?? 0) + dur;
    }
  }
  return [...operators]
    .map(([key, { calls, host, device }]) => {
      const [provider, operator] = atLeast(key.split(" "), 2);
      return { operator, provider, calls, milliseconds: (device ?? host) / 1000 };
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** The number of traces that this process has written, by file name. */
const written = new Map<string, number>();

/** `trace.json`, then `trace.2.json`: a call that loads several models writes one file for each. */
function nextFile(file: string): string {
  const count = (written.get(file) ?? 0) + 1;
  written.set(file, count);
  const { dir, name, ext } = parse(file);
  return count === 1 ? file : join(dir, `${name}.${count}${ext}`);
}

/** An engine that writes a trace when it is closed. */
export class ProfiledEngine implements Engine {
  readonly #engine: Engine;
  readonly #file: string;
  readonly #folder: string;
  readonly #onProfile: ((profile: Profile) => void) | undefined;
  readonly #sessions: { readonly name: string; readonly begun: number }[] = [];
  #closed = false;

  /**
   * @param create makes an engine whose sessions write their traces under the given paths
   * @throws {UsageError} `usage/profile` if the file cannot be written
   */
  constructor(
    file: string,
    create: (profilePrefix: (session: string) => string) => Engine,
    onProfile?: (profile: Profile) => void,
  ) {
    this.#file = nextFile(file);
    this.#onProfile = onProfile;
    try {
      writeFileSync(this.#file, "[]");
    } catch (error) {
      throw cannotWriteTrace(this.#file, error);
    }
    this.#folder = mkdtempSync(join(tmpdir(), "blip-profile-"));
    this.#engine = create((session) => {
      const index = this.#sessions.push({ name: session, begun: Date.now() }) - 1;
      return join(this.#folder, `session-${index}`);
    });
  }

  createSession(model: EngineModel, options?: SessionOptions): Promise<EngineSession> {
    return this.#engine.createSession(model, options);
  }

  /** Closes the engine and writes its trace. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#engine.close();
      const traces = await this.#read();
      const events = mergeTraces(traces).map((event) => JSON.stringify(event));
      await writeFile(this.#file, `[${events.join(",\n")}]\n`);
      this.#onProfile?.({
        file: this.#file,
        sessions: traces.map(({ session }) => session),
        operators: summarize(traces),
      });
    } finally {
      await rm(this.#folder, { recursive: true, force: true });
    }
  }

  /** Calls `close`, for `await using`. */
  [asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Reads the sessions' traces. ONNX Runtime appends the time to file names. A session that failed to load has no
   * trace.
   */
  async #read(): Promise<SessionTrace[]> {
    const files = await readdir(this.#folder);
    const traces = this.#sessions.map(async ({ name, begun }, index): Promise<SessionTrace[]> => {
      const file = files.find((one) => one.startsWith(`session-${index}_`));
      if (file === undefined) return [];
      const text = await readFile(join(this.#folder, file), "utf8");
      return [{ session: name, begun, events: JSON.parse(text) as TraceEvent[] }];
    });
    return (await Promise.all(traces)).flat();
  }
}
