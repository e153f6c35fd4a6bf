// metrics.jsonl: a row per step and per epoch. A run that goes on first takes out what came after its state.
import type { TrainingFiles } from "../checkpoint/files.ts";

interface Row {
  readonly step: number;
  /** The epoch that ended, in the row of an epoch. */
  readonly ended?: number;
}

function rowOf(line: string): Row | undefined {
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === "object" && row !== null && "step" in row ? (row as Row) : undefined;
  } catch {
    // A line that a process that ended left half written.
    return undefined;
  }
}

export class MetricsLog {
  readonly #files: TrainingFiles;
  readonly #path: string;

  constructor(files: TrainingFiles, out: string) {
    this.#files = files;
    this.#path = `${out}/metrics.jsonl`;
  }

  /** Keeps the rows of the steps below `step` and of the epochs below `epoch`. */
  async keep(step: number, epoch: number): Promise<void> {
    const text = await this.#files.readText(this.#path);
    const lines = (text ?? "").split("\n").filter((line) => {
      const row = rowOf(line);
      return row !== undefined && row.step < step && (row.ended === undefined || row.ended < epoch);
    });
    await this.#files.replaceText(this.#path, lines.map((line) => `${line}\n`).join(""));
  }

  add(row: Row & Readonly<Record<string, unknown>>): Promise<void> {
    return this.#files.appendText(this.#path, `${JSON.stringify(row)}\n`);
  }
}
