// Files of settings are untrusted: each is held against one schema (valibot's), of which every part says in words what it
// expects. What is wrong comes back as the field's path, what was expected and what was found; the reader makes its error.
import * as v from "valibot";

/** Where a value differs from what its schema expects. */
export interface Mismatch {
  /** The field's path, `text_config.num_attention_heads`; empty for the whole file. */
  readonly field: string;
  readonly expected: string;
  readonly found: string;
  /** Is it of the right kind, and too large? */
  readonly overLimit: boolean;
}

/** What a schema makes of a value: its known fields, typed; or the first place where it differs. */
export type Checked<Value> =
  | { readonly value: Value; readonly mismatch?: undefined }
  | { readonly value?: undefined; readonly mismatch: Mismatch };

const maxShown = 80;

/** A value, short: as JSON if it can be said so. */
export function shownValue(value: unknown): string {
  if (value === undefined) return "nothing";
  let text: unknown;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return error instanceof RangeError ? "lists within lists, too deep to be shown" : `a ${typeof value}`;
  }
  // A function is nothing to it.
  if (typeof text !== "string") return `a ${typeof value}`;
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
 * Holds a value against a schema, and stops at the first difference.
 * @param schema every part of which has for its message what it expects
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

/** As a sentence's middle: `field: expected A, found B`. */
export const mismatchText = ({
  field,
  expected,
  found,
}: Pick<Mismatch, "field" | "expected" | "found">): string =>
  `${field === "" ? "" : `${field}: `}expected ${expected}, found ${found}`;

/** A whole number within bounds. */
export const whole = (least: number, most: number) =>
  v.pipe(
    v.custom<number>(
      (value) => Number.isSafeInteger(value) && Number(value) >= least,
      `a whole number from ${least} to ${most}`,
    ),
    v.maxValue(most, `a whole number from ${least} to ${most}`),
  );

/** A number within bounds. @param expected in words, if there are better ones */
export const real = (least: number, most: number, expected = `a number from ${least} to ${most}`) =>
  v.custom<number>((value) => typeof value === "number" && value >= least && value <= most, expected);

export const flag = () => v.boolean("true or false");

/** What passes a test, as it is. */
export const passed = <Value>(test: (value: unknown) => boolean, expected: string) =>
  v.custom<Value>(test, expected);

/** Whatever stands there. */
export const anything = () => v.unknown();

/** A text of at most so many characters. */
export const text = (most: number) =>
  v.pipe(
    v.string(`a text of at most ${most} characters`),
    v.maxLength(most, `a text of at most ${most} characters`),
  );

/** One of several texts. */
export const oneOf = <const Values extends readonly string[]>(...values: Values) =>
  v.picklist(values, values.map((value) => JSON.stringify(value)).join(" or "));

/** Fields of an object that are known; others may be there, and are not handed on. */
export const fields = <const Entries extends v.ObjectEntries>(
  entries: Entries,
  expected = "an object of settings",
) =>
  v.pipe(
    v.custom<object>(isPlainObject, expected),
    v.transform((settings) => ownFields(settings, entries)),
    v.object(entries, expected),
  );

/** The known fields that an object has of its own; a field that it lacks is there as undefined, for its schema to judge. */
const ownFields = (settings: object, entries: v.ObjectEntries): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(entries).map((key) => [
      key,
      Object.hasOwn(settings, key) ? (settings as Record<string, unknown>)[key] : undefined,
    ]),
  );

/** An object whose `type` is one of those, with fields that are known. */
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

/** A list of at most so many. */
export const listOf = <const Item extends v.GenericSchema>(item: Item, most: number) =>
  v.pipe(
    v.custom<unknown[]>((value) => Array.isArray(value), `a list of at most ${most}`),
    v.maxLength(most, `a list of at most ${most}`),
    v.array(item),
  );

/** An object of any keys, at most so many. @param expected in words */
export const recordOf = <const Item extends v.GenericSchema>(item: Item, most: number, expected: string) =>
  v.pipe(
    v.custom<Record<string, unknown>>(
      (value) => isPlainObject(value) && Object.keys(value as object).length <= most,
      `${expected}, at most ${most} of them`,
    ),
    // Not valibot's own record, which leaves out keys such as "constructor".
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

/** A value of one of several kinds. @param expected all of them in words */
export const either = <const Options extends readonly v.GenericSchema[]>(
  options: Options,
  expected: string | ((value: unknown) => string),
) => v.union(options, typeof expected === "string" ? expected : ({ input }) => expected(input));

/** So many numbers, each of which a schema takes. */
export const three = <const Item extends v.GenericSchema>(item: Item, expected: string) =>
  v.strictTuple([item, item, item], expected);

/** Exactly this. */
export const exactly = <const Value extends string | number | boolean>(value: Value, expected: string) =>
  v.literal(value, expected);

/** What a schema takes, made something else. */
export const mapped = <Schema extends v.GenericSchema, Result>(
  schema: Schema,
  make: (value: v.InferOutput<Schema>) => Result,
) => v.pipe(schema, v.transform(make));

/** What a schema takes and a test as well. */
export const only = <Schema extends v.GenericSchema>(
  schema: Schema,
  test: (value: v.InferOutput<Schema>) => boolean,
  expected: string,
) => v.pipe(schema, v.check(test, expected));

/** What a schema makes of what it takes. */
export type Output<Schema extends v.GenericSchema> = v.InferOutput<Schema>;

/** What may be left out, or be null. */
export const maybe = <const Schema extends v.GenericSchema>(schema: Schema) => v.nullish(schema);

/** Arrays are objects too, and have no fields. */
function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
