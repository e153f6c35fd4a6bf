// The places of scenes: plain backgrounds, painted places and photographs.
import { colourNames, type ColourName } from "./colours.ts";
import { unknownName } from "../errors.ts";

export interface PlainPlace {
  readonly kind: "plain";
  /** "red background" */
  readonly name: string;
  readonly colour: ColourName;
}

export interface RealPlace {
  readonly kind: "painted" | "photo";
  /** The answer to "where is this?". Two places may share a name. */
  readonly name: string;
  /** The painting or panorama. */
  readonly view: string;
  readonly phrases: readonly string[];
  /** Things that a photograph may contain although the scene's graph lacks them. No sentence or question uses them. */
  readonly doubtful: readonly string[];
}

export type Place = PlainPlace | RealPlace;

export const plainPlaces: readonly PlainPlace[] = colourNames.map((colour) => ({
  kind: "plain",
  name: `${colour} background`,
  colour,
}));

const painted = (view: string, ...phrases: string[]): RealPlace => ({
  ...{ kind: "painted", name: view, view, phrases, doubtful: [] },
});

export const paintedPlaces: readonly RealPlace[] = [
  painted("field", "in a field", "on the grass", "in a green field", "on a hill"),
  painted("beach", "on the beach", "on a beach", "on a sandy beach"),
  painted("sea", "in the sea", "on the water", "at sea", "in the ocean"),
  painted("snow", "in the snow", "on the snow", "in a snowy place"),
  painted("night", "at night", "under a starry sky", "in the dark", "under the stars"),
  painted("sky", "in the sky", "in a clear blue sky", "in the blue sky"),
  painted("street", "on the street", "on a street", "on the road", "on a road"),
  painted("desert", "in the desert", "in a desert"),
  painted("table", "on a table", "on the table", "on a wooden table"),
  painted("room", "in a room", "on the floor of a room", "in a room with a carpet"),
];

const outdoors = ["cloud", "sun", "moon", "evergreen tree", "bird"];
const streets = [
  ...outdoors,
  "car",
  "taxi",
  "bus",
  "truck",
  "house",
  "bicycle",
  "castle",
  "ship",
  "sailboat",
];
const indoors = ["light bulb", "candle", "clock", "television", "laptop", "book"];

const photo = (view: string, name: string, doubtful: readonly string[], ...phrases: string[]): RealPlace => ({
  ...{ kind: "photo", name, view, phrases, doubtful },
});

/** The panoramas of data/backgrounds, named by their appearance at 128 pixels instead of their file names. */
export const photoPlaces: readonly RealPlace[] = [
  photo("apartment", "apartment", indoors, "in an apartment", "in an empty apartment"),
  photo("bridge", "bridge", [...streets, ...indoors], "on a bridge", "on a covered bridge"),
  photo("city", "city", [...streets, "crown"], "in the city", "in a city", "on a city square"),
  photo("dawn", "rocks", [...outdoors, "cactus"], "on the rocks", "on rocks at dawn"),
  photo("esplanade", "mall", [...indoors, "balloon", "gift"], "in a mall", "in a shopping mall"),
  photo("forest", "forest", [...outdoors, "palm tree", "mushroom"], "in a forest", "in the woods"),
  photo("hall", "hall", [...indoors, "tent"], "in a hall", "in a large hall"),
  photo("lab", "laboratory", [...indoors, "drum", "hammer"], "in a laboratory", "in a lab"),
  photo("lobby", "lobby", [...indoors, "guitar"], "in a lobby", "in the lobby"),
  photo("night", "savanna", outdoors, "on the savanna", "on dry grass"),
  photo("park", "park", [...outdoors, "house"], "in a park", "in the park", "on the grass in a park"),
  photo("sky", "sky", [...outdoors, "rainbow"], "in the sky", "in a cloudy sky"),
  photo("studio", "studio", [...indoors, "camera", "umbrella"], "in a studio", "in a photo studio"),
  photo("sunrise", "meadow", outdoors, "in a meadow", "in a meadow at sunrise"),
  photo("sunset", "waterfront", streets, "by the water", "at the waterfront"),
  photo("venice", "town square", streets, "in a town square", "in an old town square"),
  photo("warehouse", "warehouse", [...indoors, "gift"], "in a warehouse", "in an empty warehouse"),
  photo(
    "workshop",
    "workshop",
    [...indoors, "hammer", "helicopter", "airplane"],
    "in a workshop",
    "in a factory",
  ),
];

export const places: readonly Place[] = [...plainPlaces, ...paintedPlaces, ...photoPlaces];

const byView = new Map(photoPlaces.map((place) => [place.view, place]));

/** @throws {RangeError} if there is no such panorama */
export function photoOf(view: string): RealPlace {
  const place = byView.get(view);
  if (place === undefined) throw unknownName("panorama", view);
  return place;
}

/** Groups of places that look or sound alike. A false sentence never exchanges one for another of its group. */
const alike: readonly (readonly string[])[] = [
  ["room", "apartment", "table", "studio"],
  ["lobby", "hall", "mall", "apartment", "room"],
  ["warehouse", "workshop", "laboratory", "hall"],
  ["city", "town square", "street", "bridge", "waterfront"],
  ["waterfront", "beach", "sea"],
  ["park", "field", "meadow", "savanna", "forest"],
  ["desert", "beach", "rocks", "savanna"],
  ["sky", "sea"],
];

export const placesAlike = (first: string, second: string): boolean =>
  first === second || alike.some((names) => names.includes(first) && names.includes(second));

/** Whether a real place has nothing to stand on. */
export const isOpen = ({ name }: Place): boolean => name === "sky";
