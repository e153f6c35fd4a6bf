// Groups the rows of metrics.jsonl into series of points, by panel.
export interface Point {
  /** The number of completed steps. */
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  /** `steps`: a line through the means of neighbouring steps; `marks`: one mark per point. */
  readonly form: "steps" | "marks";
  readonly points: readonly Point[];
}

export interface Panel {
  readonly title: string;
  /** The unit: "nats", "%", ... */
  readonly unit: string;
  readonly series: readonly Series[];
}

type Row = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function rowsOf(text: string): Row[] {
  return text.split("\n").flatMap((line) => {
    try {
      const row: unknown = JSON.parse(line);
      return isRecord(row) ? [row] : [];
    } catch {
      return [];
    }
  });
}

/** The maximum number of points per line. More would not be visible. */
const mostPoints = 400;

/** Replaces neighbouring points by their mean, if there are more than `mostPoints` points. */
export function thinned(points: readonly Point[]): readonly Point[] {
  if (points.length <= mostPoints) return points;
  const mean = (list: readonly Point[], of: "x" | "y") =>
    list.reduce((sum, point) => sum + point[of], 0) / list.length;
  return Array.from({ length: mostPoints }, (_, index) => {
    const bounds = [index, index + 1].map((one) => Math.floor((one * points.length) / mostPoints));
    const some = points.slice(...bounds);
    return { x: mean(some, "x"), y: mean(some, "y") };
  });
}

/** The finite values that `valueOf` returns, as points over the completed steps. */
function pointsOf(rows: readonly Row[], valueOf: (row: Row) => unknown): Point[] {
  return rows.flatMap((row) => {
    const [step, y] = [row.step, valueOf(row)];
    if (typeof step !== "number" || typeof y !== "number" || !Number.isFinite(y)) return [];
    return [{ x: step + 1, y }];
  });
}

/** The keys of the objects in a field, in order of first appearance. */
const namesIn = (rows: readonly Row[], field: string): string[] => [
  ...new Set(rows.flatMap((row) => (isRecord(row[field]) ? Object.keys(row[field]) : []))),
];

const within = (field: string, name: string) => (row: Row) =>
  isRecord(row[field]) ? row[field][name] : undefined;

/** Metrics in percent. All other metrics are shares or scores without a unit. */
const percents = new Set(["rMean", "imageToTextR1", "textToImageR1", "cosineRMean"]);

/**
 * The panels of a run: losses, learning rate, norm of the gradients, and each validation metric.
 * @param text metrics.jsonl
 */
export function panelsOf(text: string): Panel[] {
  const rows = rowsOf(text);
  const [steps, validations] = [
    rows.filter((row) => "lr" in row),
    rows.filter((row) => "ended" in row || "validated" in row),
  ];
  const line = (name: string, valueOf: (row: Row) => unknown): Series => ({
    ...{ name, form: "steps" },
    points: thinned(pointsOf(steps, valueOf)),
  });
  const marks = (name: string, valueOf: (row: Row) => unknown): Series => ({
    ...{ name, form: "marks" },
    points: pointsOf(validations, valueOf),
  });
  const parts = namesIn(steps, "losses");
  const all: Panel[] = [
    {
      ...{ title: "Loss", unit: "nats" },
      series: [
        line("training", (row) => row.loss),
        ...(parts.length > 1 ? parts.map((name) => line(name, within("losses", name))) : []),
        marks("validation", (row) => row.validationLoss),
      ],
    },
    { title: "Learning rate", unit: "per step", series: [line("learning rate", (row) => row.lr)] },
    { title: "Norm of the gradients", unit: "before clipping", series: [line("norm", (row) => row.norm)] },
    ...namesIn(validations, "metrics").map((name) => ({
      ...{ title: `Validation: ${name}`, unit: percents.has(name) ? "%" : "" },
      series: [marks(name, within("metrics", name))],
    })),
  ];
  return all
    .map((panel) => ({ ...panel, series: panel.series.filter(({ points }) => points.length > 0) }))
    .filter(({ series }) => series.length > 0);
}
