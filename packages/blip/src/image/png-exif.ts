// Finds the EXIF block of a PNG: an eXIf chunk (third edition, 11.3.4.5) or, as ImageMagick writes it, a text of
// hexadecimal digits named "Raw profile type exif". Reads what Pillow reads (PngImagePlugin.py, Image.getexif).
import { ByteReader, maxParts } from "./byte-reader.ts";

const profileName = "Raw profile type exif";
/** The most bytes of an inflated text: Pillow's MAX_TEXT_CHUNK. */
const maxTextBytes = 2 ** 20;
/** The compressed bytes that are inflated at a time. They become at most 4 MB. */
const sliceBytes = 4096;

interface Profile {
  readonly text: Uint8Array;
  readonly compressed: boolean;
}

function* pngChunks(bytes: Uint8Array) {
  const file = new ByteReader(bytes);
  for (let at = 8, step = 0; step < maxParts && at + 12 <= file.length; step++) {
    const [length, type] = [file.u32(at), file.letters(at + 4)];
    if (type === "IEND") return;
    yield { type, data: bytes.subarray(at + 8, at + 8 + length) };
    at += 12 + length;
  }
}

/** The content of a text chunk after its keyword; undefined if it has another keyword. */
function afterKeyword(data: Uint8Array, keyword: string): Uint8Array | undefined {
  for (let index = 0; index < keyword.length; index++)
    if (data[index] !== keyword.charCodeAt(index)) return undefined;
  return data[keyword.length] === 0 ? data.subarray(keyword.length + 1) : undefined;
}

/** The EXIF profile in a text chunk (third edition, 11.3.3.2 to 11.3.3.4). */
function profileIn(type: string, data: Uint8Array): Profile | undefined {
  const content = afterKeyword(data, profileName);
  if (!content) return undefined;
  if (type === "tEXt") return { text: content, compressed: false };
  // Method 0 is deflate, the only one.
  if (type === "zTXt") return content[0] === 0 ? { text: content.subarray(1), compressed: true } : undefined;
  if (type !== "iTXt") return undefined;
  // A flag, the method, and two texts that end with 0: the language and the translated keyword.
  const compressed = content[0] !== 0;
  const language = content.indexOf(0, 2);
  const translated = language < 0 ? -1 : content.indexOf(0, language + 1);
  if (translated < 0 || (compressed && content[1] !== 0)) return undefined;
  return { text: content.subarray(translated + 1), compressed };
}

/** Inflates a text; undefined if it is damaged, or larger than `maxTextBytes`. */
async function inflated(compressed: Uint8Array): Promise<Uint8Array | undefined> {
  let at = 0;
  const slices = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at < compressed.length) controller.enqueue(compressed.slice(at, (at += sliceBytes)));
      else controller.close();
    },
  });
  const reader = slices.pipeThrough(new DecompressionStream("deflate")).getReader();
  const text = new Uint8Array(maxTextBytes);
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text.subarray(0, filled);
      if (filled + value.length > maxTextBytes) return undefined;
      text.set(value, filled);
      filled += value.length;
    }
  } catch {
    return undefined;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The bytes of a profile: hexadecimal digits after three lines, which are empty, "exif" and the number of bytes. */
function profileBytes(text: Uint8Array): Uint8Array | undefined {
  const lines = new TextDecoder().decode(text).split("\n").slice(3);
  const digits = lines.join("").replace(/\s+/g, "");
  if (digits.length % 2 === 1 || /[^\da-f]/i.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

/**
 * Returns the EXIF block of a PNG. As in Pillow, the last chunk of a kind counts, and eXIf, or a text named "exif",
 * takes precedence over a profile.
 */
export async function pngExif(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  let exif: Uint8Array | undefined;
  let profile: Profile | undefined;
  for (const { type, data } of pngChunks(bytes)) {
    if (type === "eXIf") exif = data;
    else if (type === "tEXt") exif = afterKeyword(data, "exif") ?? exif;
    profile = profileIn(type, data) ?? profile;
  }
  if (exif || !profile) return exif;
  const text = profile.compressed ? await inflated(profile.text) : profile.text.subarray(0, maxTextBytes);
  return text && profileBytes(text);
}
