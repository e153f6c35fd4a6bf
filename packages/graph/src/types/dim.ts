// Dimensions: numbers, or polynomials over names such as B and T (B*T/I is a dimension too).
//
// The legend of shape letters in code, docstrings and printed graphs:
//   B batch (texts)   I images   N image tokens   T text tokens   D width   H heads   K width of a head
//   M MLP width   V vocabulary   E joint embedding   Q queue   S image side   P patches
import { must } from "@blip-ts/base";
import { GraphError } from "../errors.ts";

interface Term {
  readonly coefficient: number;
  /** Maps a name to its power. Negative powers divide. */
  readonly powers: Readonly<Record<string, number>>;
}

/** A sum of terms in canonical order. At least one term has a name. */
export interface SymbolicDim {
  readonly terms: readonly Term[];
}

export type Dim = number | SymbolicDim;
export type Shape = readonly Dim[];

/** The named dimension `name`, e.g. `namedDim("B")`. */
export function namedDim(name: string): Dim {
  return { terms: [{ coefficient: 1, powers: { [name]: 1 } }] };
}

const termsOf = (dim: Dim): readonly Term[] =>
  typeof dim === "number" ? [{ coefficient: dim, powers: {} }] : dim.terms;

function monomial({ powers }: Term): string {
  return Object.entries(powers)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, power]) => (power === 1 ? name : `${name}^${power}`))
    .join("*");
}

function canonical(terms: readonly Term[]): Dim {
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const powers = Object.fromEntries(Object.entries(term.powers).filter(([, power]) => power !== 0));
    const key = monomial({ coefficient: 1, powers });
    const coefficient = (sums.get(key)?.coefficient ?? 0) + term.coefficient;
    sums.set(key, { coefficient, powers });
  }
  const kept = [...sums].filter(([, term]) => term.coefficient !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const [first, ...others] = kept;
  if (first === undefined) return 0;
  if (others.length === 0 && first[0] === "") return first[1].coefficient;
  return { terms: kept.map(([, term]) => term) };
}

export function addDims(a: Dim, b: Dim): Dim {
  return canonical([...termsOf(a), ...termsOf(b)]);
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  return canonical(
    termsOf(a).flatMap((x) =>
      termsOf(b).map((y) => {
        const powers: Record<string, number> = { ...x.powers };
        for (const [name, power] of Object.entries(y.powers)) powers[name] = (powers[name] ?? 0) + power;
        return { coefficient: x.coefficient * y.coefficient, powers };
      }),
    ),
  );
}

/** a / b, where b is a number or a single term. */
export function divideDims(a: Dim, b: Dim): Dim {
  const [divisor, ...others] = termsOf(b);
  if (divisor === undefined || divisor.coefficient === 0 || others.length > 0)
    throw new GraphError(`cannot divide the dimension ${formatDim(a)} by ${formatDim(b)}`);
  const powers = Object.fromEntries(Object.entries(divisor.powers).map(([name, power]) => [name, -power]));
  return multiplyDims(a, canonical([{ coefficient: 1 / divisor.coefficient, powers }]));
}

export function sameDim(a: Dim, b: Dim): boolean {
  return a === b || formatDim(a) === formatDim(b);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => sameDim(dim, must(b, axis)));
}

/** The number of elements of a shape. */
export function productOf(shape: Shape): Dim {
  return shape.reduce(multiplyDims, 1);
}

/** The value of a dimension, given numbers for the names. */
export function evaluateDim(dim: Dim, binding: ReadonlyMap<string, number>): number {
  return termsOf(dim).reduce((sum, { coefficient, powers }) => {
    let product = coefficient;
    for (const [name, power] of Object.entries(powers)) {
      const value = binding.get(name);
      if (value === undefined) throw new GraphError(`the dimension ${name} has no value`);
      product *= value ** power;
    }
    return sum + product;
  }, 0);
}

/** The name of a dimension, if it is only a name. */
export function plainName(dim: Dim): string | undefined {
  if (typeof dim === "number") return undefined;
  const text = formatDim(dim);
  return /^[A-Za-z_]\w*$/.test(text) ? text : undefined;
}

export function formatDim(dim: Dim): string {
  if (typeof dim === "number") return String(dim);
  return dim.terms
    .map((term) => {
      const names = monomial(term);
      return names === ""
        ? String(term.coefficient)
        : term.coefficient === 1
          ? names
          : `${term.coefficient}*${names}`;
    })
    .join("+");
}

/** `[B, 577, 768]` */
export function formatShape(shape: Shape): string {
  return `[${shape.map(formatDim).join(", ")}]`;
}
