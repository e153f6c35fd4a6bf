// MSRVTT with a folder of frames per clip: BLIP's lines (data/video_dataset.py), the official JSON, JSFusion's CSV.
import { badField, badRow, described, keysOf, tooLarge } from "../errors.ts";
import type { ImageSource, VideoExample } from "../examples.ts";
import { checkPath } from "../paths.ts";
import { wholeFile, type Place } from "../place.ts";
import type { Row, RowContext } from "../row.ts";
import { columnOf, hasRole, needColumn } from "./columns.ts";
import { checkDocument, checkJoined, inputError, sectionRows } from "./document-rows.ts";
import { hasAll, type DocumentFormat, type JsonDocument, type Outcome, type RecordFormat } from "./format.ts";

const isImageName = (name: string) =>
  /\.(?:jpe?g|png|webp|gif|tiff?|avif|bmp)$/i.test(name) && !name.startsWith(".");
const byNumber = new Intl.Collator("en", { numeric: true, sensitivity: "variant" });

/**
 * The frames of a clip in numeric order, `frame_2` before `frame_10`. @throws {InputError} if the folder or its frames
 * are missing
 */
async function framesOf(row: Row, field: string, clip: string): Promise<readonly ImageSource[]> {
  const { context, place } = row;
  const root = context.root(undefined);
  // The clip's name may include the extension of its video.
  const path = checkPath(place, field, clip.replace(/\.(?:mp4|webm|avi|mkv)$/i, ""), {
    root,
    allowOutside: context.allowOutside,
  });
  const names = (await context.listFolder?.(root, path))?.filter(isImageName);
  if (names === undefined || names.length === 0)
    throw badField(
      place,
      field,
      `a folder "${path}" with the clip's frames below the images' folder`,
      names === undefined ? "no such folder" : "a folder without images",
      "Write the clip's frames there as images.",
    );
  const limit = context.limits.videoFrames;
  if (names.length > limit) throw tooLarge(place, "a number of frames", names.length, limit, "videoFrames");
  return names.sort(byNumber.compare).map((name) => ({ kind: "path", root, path: `${path}/${name}` }));
}

async function clip(row: Row, field: string, captions: readonly string[]): Promise<VideoExample> {
  const videoId = String(row.id(field));
  return { place: row.place, frames: await framesOf(row, field, videoId), videoId, captions };
}

async function tableRow(row: Row): Promise<readonly VideoExample[]> {
  const captions = row.texts(needColumn(row, "captions"));
  return [await clip(row, columnOf(row, "video") ?? needColumn(row, "video"), captions)];
}

export const videoFormats: readonly RecordFormat<"video">[] = [
  {
    name: "msrvtt",
    what: 'MSRVTT as BLIP has it: {"clip_name", "caption"}',
    fits: (record) => hasAll(record, ["clip_name", "caption"]),
    read: async (row) => [await clip(row, "clip_name", row.texts("caption"))],
  },
  {
    name: "msrvtt-csv",
    what: "MSRVTT's 1k-A test: key, vid_key, video_id, sentence",
    fits: (record) => hasAll(record, ["video_id", "sentence"]),
    read: async (row) => [await clip(row, "video_id", [row.text("sentence")])],
  },
  {
    name: "table",
    what: "a table with a clip (clip_name, video_id, video) and texts",
    fits: (record) => hasRole(record, "video") && hasRole(record, "captions"),
    read: tableRow,
  },
];

interface Clip {
  readonly place: Place;
  readonly row: Row;
  readonly captions: string[];
}

/** @throws {InputError} if the document is broken, too large, or lacks the split */
async function readClips(document: JsonDocument, context: RowContext, split: string | undefined) {
  checkDocument(document, context);
  const clips = new Map<string, Clip>();
  const sentences = new Map<string, string[]>();
  const errors: unknown[] = [];
  const splits = new Set<string>();
  let rows = 0;
  for await (const entry of sectionRows(document, ["videos", "sentences"], context)) {
    checkJoined(document, ++rows, context);
    try {
      if ("error" in entry) throw entry.error;
      const { row } = entry;
      const id = row.text("video_id");
      if (entry.section === "videos") {
        if (row.has("split") && splits.size < 16) splits.add(row.text("split"));
        if (clips.has(id)) throw badField(row.place, "video_id", "an id of its own", described(id));
        clips.set(id, { place: row.place, row, captions: [] });
      } else {
        const texts = sentences.get(id);
        if (texts === undefined) sentences.set(id, [row.text("caption")]);
        else texts.push(row.text("caption"));
      }
    } catch (error) {
      errors.push(inputError(error));
    }
  }
  if (splits.size > 1 && split === undefined)
    throw badRow(
      wholeFile(document.name),
      "one split",
      `several: ${keysOf([...splits])}`,
      'Name one with "split".',
    );
  if (split !== undefined && !splits.has(split))
    throw badRow(
      wholeFile(document.name),
      `videos of the split "${split}"`,
      keysOf([...splits]),
      "Name one of these.",
    );
  return { clips, sentences, errors: errors.map(inputError) };
}

export const msrvttDocument: DocumentFormat<"video"> = {
  name: "msrvtt-json",
  hasSplits: true,
  what: 'MSRVTT\'s own file: {"videos": [{"video_id", "split"}], "sentences": [{"video_id", "caption"}]}',
  fits: ({ records }) => {
    const [video, sentence] = [records.get("videos"), records.get("sentences")];
    return (
      (video !== undefined && hasAll(video, ["video_id"])) ||
      (sentence !== undefined && hasAll(sentence, ["video_id", "caption"]))
    );
  },
  async *read(document, { row: context, split }): AsyncGenerator<Outcome<VideoExample>> {
    const { clips, sentences, errors } = await readClips(document, context, split);
    for (const error of errors) yield { error };
    for (const [id, { row }] of clips) {
      try {
        if (split !== undefined && row.text("split") !== split) continue;
        const captions = sentences.get(id);
        if (captions === undefined)
          throw badField(row.place, "video_id", 'a clip with rows in "sentences"', described(id));
        yield { example: await clip(row, "video_id", captions) };
      } catch (error) {
        yield { error: inputError(error) };
      }
    }
  },
};
