// Settings files are untrusted. Each is checked against a valibot schema whose parts describe in words what they
// expect. A mismatch has the field's path, the expected value and the actual one; the reader makes an error from it.
import * as v from "valibot";

/** The first place at which a value differs from its schema. */
export interface Mismatch {
  /** The field's path, e.g. `text_config.num_attention_heads`; empty for the whole file. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
  /** Whether the value has the right kind but is too large. */
  readonly overLimit: boolean;
}

/** The result of a check: the known fields, typed, or the first mismatch. */
export type Checked<Value> =
  | { readonly value: Value; readonly mismatch?: undefined }
  | { readonly value?: undefined; readonly mismatch: Mismatch };

const maxShown = 80;
const tooDeep = "lists within lists, too deep to be shown";

/** A short form of a value: JSON if possible. */
export function shownValue(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return error instanceof RangeError ? tooDeep : `a ${typeof value}`;
  }
  // JSON.stringify gives undefined for a function.
  if (typeof text !== "string") return `a ${typeof value}`;
  // Up to Node 24, JSON.stringify throws for such a value.
  if (text.startsWith("[".repeat(maxShown))) return tooDeep;
  return text.length > maxShown ? `${text.slice(0, maxShown)}...` : text;
}

const maxKey = 60;

function pathOf(issue: v.BaseIssue<unknown>): string {
  let path = "";
  for (const { key } of issue.path ?? []) {
    if (typeof key === "number") path += `[${key}]`;
    else path += `${path === "" ? "" : "."}${String(key).slice(0, maxKey)}`;
  }
  return path;
}

/**
 * Checks a value against a schema and stops at the first mismatch.
 * @param schema a schema whose parts have their expected value as their message
 */
export function checked<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): Checked<v.InferOutput<Schema>> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return { value: result.output };
  const [issue] = result.issues;
  const { message: expected, input, type } = issue;
  const overLimit = type === "max_value" || type === "max_length";
  const found = type === "max_length" ? `${lengthOf(input)} of them` : shownValue(input);
  return { mismatch: { field: pathOf(issue), expected, found, overLimit } };
}

const lengthOf = (value: unknown): number =>
  typeof value === "string" || Array.isArray(value) ? value.length : 0;

/** The mismatch as a part of a message: `field: expected A, got B`. */
export const mismatchText = ({
  field,
  expected,
  found,
}: Pick<Mismatch, "field" | "expected" | "found">): string =>
  `${field === "" ? "" : `${field}: `}expected ${expected}, got ${found}`;

/** A whole number within bounds. */
export const whole = (least: number, most: number) =>
  v.pipe(
    v.custom<number>(
      (value) => Number.isSafeInteger(value) && Number(value) >= least,
      `a whole number from ${least} to ${most}`,
    ),
    v.maxValue(most, `a whole number from ${least} to ${most}`),
  );

/** A number within bounds. @param expected a better description of the bounds, if there is one */
export const real = (least: number, most: number, expected = `a number from ${least} to ${most}`) =>
  v.custom<number>((value) => typeof value === "number" && value >= least && value <= most, expected);

export const flag = () => v.boolean("true or false");

/** A value that passes a test, unchanged. */
export const passed = <Value>(test: (value: unknown) => boolean, expected: string) =>
  v.custom<Value>(test, expected);

/** Any value. */
export const anything = () => v.unknown();

/** A text of at most `most` characters. */
export const text = (most: number) =>
  v.pipe(
    v.string(`a text of at most ${most} characters`),
    v.maxLength(most, `a text of at most ${most} characters`),
  );

/** One of several texts. */
export const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  v.picklist(values, values.map((value) => JSON.stringify(value)).join(" or "));

/** An object with known fields. Other fields are allowed and dropped. */
export const fields = <const Entries extends v.ObjectEntries>(
  entries: Entries,
  expected = "an object of settings",
) =>
  v.pipe(
    v.custom<object>(isPlainObject, expected),
    v.transform((settings) => ownFields(settings, entries)),
    v.object(entries, expected),
  );

/** The known own fields of an object. A missing field is present as undefined, so that its schema judges it. */
const ownFields = (settings: object, entries: v.ObjectEntries): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(entries).map((key) => [
      key,
      Object.hasOwn(settings, key) ? (settings as Record<string, unknown>)[key] : undefined,
    ]),
  );

/** An object whose `type` is one of `types`, with known fields. */
export const component = <const Types extends readonly string[], const Entries extends v.ObjectEntries>(
  types: Types,
  entries: Entries,
) => {
  const expected = types.join(" or ");
  const isOne = (value: unknown) =>
    isPlainObject(value) && types.includes(String((value as { type?: unknown }).type));
  return v.pipe(
    v.custom<object>(
      (value) => typeof (value as { type?: unknown } | null)?.type === "string" && isOne(value),
      expected,
    ),
    v.transform((settings) => ownFields(settings, { type: v.unknown(), ...entries })),
    v.object({ type: v.picklist(types), ...entries }, expected),
  );
};

/** A list of at most `most` items. */
export const listOf = <const Item extends v.GenericSchema>(item: Item, most: number) =>
  v.pipe(
    v.custom<unknown[]>((value) => Array.isArray(value), `a list of at most ${most}`),
    v.maxLength(most, `a list of at most ${most}`),
    v.array(item),
  );

/** An object with arbitrary keys, at most `most` of them. @param expected its description */
export const recordOf = <const Item extends v.GenericSchema>(item: Item, most: number, expected: string) =>
  v.pipe(
    v.custom<Record<string, unknown>>(
      (value) => isPlainObject(value) && Object.keys(value as object).length <= most,
      `${expected}, at most ${most} of them`,
    ),
    // Valibot's own record leaves out keys such as "constructor".
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const values = new Map<string, v.InferOutput<Item>>();
      for (const [key, value] of Object.entries(dataset.value)) {
        const result = v.safeParse(item, value, { abortEarly: true });
        if (result.success) values.set(key, result.output);
        else {
          const [issue] = result.issues;
          addIssue({
            message: issue.message,
            input: value,
            path: [{ type: "object", origin: "value", input: dataset.value, key, value }],
          });
          return NEVER;
        }
      }
      return values;
    }),
  );

/** A value of one of several kinds. @param expected the description of all of them */
export const either = <const Options extends readonly v.GenericSchema[]>(
  options: Options,
  expected: string | ((value: unknown) => string),
) => v.union(options, typeof expected === "string" ? expected : ({ input }) => expected(input));

/** A list of exactly three items of one schema. */
export const three = <const Item extends v.GenericSchema>(item: Item, expected: string) =>
  v.strictTuple([item, item, item], expected);

/** Exactly this value. */
export const exactly = <const Value extends string | number | boolean>(value: Value, expected: string) =>
  v.literal(value, expected);

/** Converts a value that matches a schema. */
export const mapped = <Schema extends v.GenericSchema, Result>(
  schema: Schema,
  make: (value: v.InferOutput<Schema>) => Result,
) => v.pipe(schema, v.transform(make));

/** A value that matches a schema and also passes a test. */
export const only = <Schema extends v.GenericSchema>(
  schema: Schema,
  test: (value: v.InferOutput<Schema>) => boolean,
  expected: string,
) => v.pipe(schema, v.check(test, expected));

/** The type of a schema's output. */
export type Output<Schema extends v.GenericSchema> = v.InferOutput<Schema>;

/** A value that may be missing or null. */
export const maybe = <const Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

/** Arrays are objects too, but not plain ones. */
function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
