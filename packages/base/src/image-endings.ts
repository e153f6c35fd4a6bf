// File endings of images, for programs that list folders. Content decides how an image is decoded.

/** Endings of images that blip-ts decodes or refuses by name. */
export const imageEnding = /\.(?:jpe?g|jpe|jfif|png|webp|gif|avif|bmp|tiff?)$/i;

/** Photographs that no decoder here reads, by file extension. */
export const unreadEndings: readonly (readonly [kind: string, ending: RegExp])[] = [
  ["HEIC", /\.(?:heic|heif|hif)$/i],
  ["RAW", /\.(?:3fr|arw|cr2|cr3|dng|erf|iiq|kdc|mos|mrw|nef|nrw|orf|pef|raf|rw2|rwl|sr2|srf|srw|x3f)$/i],
];
