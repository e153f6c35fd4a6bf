// Error factories for the metrics. All errors are UsageErrors with the code `usage/bad-option`.
import { UsageError } from "@blip-ts/base";

/**
 * The data to measure does not have the form that the metric needs.
 * @remedy Give the data that the message describes.
 */
const badOption = (message: string, fields: Readonly<Record<string, unknown>>) =>
  new UsageError("usage/bad-option", message, fields);

/** The list `place` is empty, but must contain at least one `what`. */
export const nothingIn = (place: string, what: string) =>
  badOption(`${place}: expected at least one ${what}, got none. Give at least one ${what}.`, { place });

/** The list `place` has `found` entries, but must have one entry for each of `expected` `what`. */
export const notOneFor = (place: string, expected: number, what: string, found: number) =>
  badOption(
    `${place}: expected one for each of ${expected} ${what}, got ${found}. Give lists of equal length.`,
    { place, expected, found },
  );

/** The list `place` contains a value that is not a finite number. */
export const notFinite = (place: string, found: unknown) =>
  badOption(
    `${place}: expected a finite number, got ${String(found)}. Leave out or mend what has no score.`,
    {
      place,
      found,
    },
  );

/** An index in `place`, `found`, is out of range: there are only `count` `what`. */
export const outside = (place: string, count: number, what: string, found: number) =>
  badOption(
    `${place}: expected ${what} from 0 to ${count - 1}, got ${found}. Count from 0, in the order of the scores.`,
    { place, count, found },
  );

/** The text `place` is longer than the limit, which keeps the processing time reasonable. */
export const tooLong = (place: string, limit: number, found: number) =>
  badOption(
    `${place}: expected at most ${limit} characters, got ${found}. Give one caption for each image.`,
    {
      place,
      limit,
      found,
    },
  );

/** The text number `text` belongs to `found` images instead of exactly one image. */
export const notOfOneImage = (text: number, found: number) =>
  badOption(
    `textsOfImage: expected each text with exactly one image, got ${found} images for text ${text}. ` +
      "Use retrievalMetrics, which takes lists for both directions.",
    { text, found },
  );

/** All labels are equal, so no classes can be distinguished. */
export const oneClass = (label: boolean) =>
  badOption(`labels: expected true and false ones, got only ${label}. Give pairs of both kinds.`, { label });

/** The option `place` is out of range. */
export const badNumber = (place: string, expected: string, found: number) =>
  badOption(`${place}: expected ${expected}, got ${found}. Choose another ${place}.`, { place, found });

/** The identifier `place` does not have the form that identifies an example's sentence. */
export const badIdentifier = (place: string, found: string) =>
  badOption(
    `${place}: expected "split-set-pair-sentence" as in NLVR2, got ${JSON.stringify(found)}. ` +
      "Leave identifiers out, and give sentences.",
    { place, found },
  );

/** The list `place` names a thing that is not in the vocabulary. */
export const unknownThing = (place: string, found: string) =>
  badOption(
    `${place}: expected a name of the vocabulary, got ${JSON.stringify(found)}. Add it to the vocabulary.`,
    {
      place,
      found,
    },
  );

/** Two things of the vocabulary share the same `term`. */
export const ambiguousTerm = (term: string, first: string, second: string) =>
  badOption(
    `vocabulary: expected a term for one thing, got ${JSON.stringify(term)} for ${JSON.stringify(first)} and ` +
      `${JSON.stringify(second)}. Keep it for one of them.`,
    { term, first, second },
  );
