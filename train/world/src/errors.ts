// The errors of the world: one factory per failure.

/** An error that the user can fix. */
export class WorldError extends Error {
  readonly code: `world/${"art-damaged" | "art-missing" | "art-not-fetched" | "bad-option" | "out-not-empty" | "too-large" | "too-big" | "not-built" | "blip-failed" | "mixed-settings" | "no-tables" | "no-positions"}`;
  /** The values in the message, as data. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(code: WorldError["code"], message: string, fields: WorldError["fields"]) {
    super(message);
    this.name = "WorldError";
    this.code = code;
    this.fields = fields;
  }
}

export const artMissing = (path: string): WorldError =>
  new WorldError(
    "world/art-missing",
    `${path}: expected the art, got no such file. Run "npm run world:art" once, with network access.`,
    { path },
  );

export const artDamaged = (path: string, expected: string, got: string): WorldError =>
  new WorldError(
    "world/art-damaged",
    `${path}: expected ${expected}, got ${got}. Delete the file and run "npm run world:art" again.`,
    { path, expected, got },
  );

export const artNotFetched = (name: string, reason: string): WorldError =>
  new WorldError(
    "world/art-not-fetched",
    `${name}: expected npm to fetch it, got an error: ${reason}. Check the network, or put the tarball of that version into train/world/art/.`,
    { name, reason },
  );

export const badOption = (name: string, expected: string, got: unknown): WorldError =>
  new WorldError("world/bad-option", `${name}: expected ${expected}, got ${String(got)}.`, { name, got });

export const unknownName = (what: string, name: string): RangeError =>
  new RangeError(`${what}: expected a known name, got "${name}".`);

export const noScene = (key: string): RangeError =>
  new RangeError(`Scene ${key}: expected a layout within the tries, got none. The settings leave no room.`);

export const tooLarge = (name: string, got: number): WorldError =>
  new WorldError(
    "world/too-large",
    `${name}: expected numbers within half precision (65504 at most), got ${got}. Train with a smaller learning rate or clip the gradients.`,
    { name, got },
  );

export const tooBig = (
  folder: string,
  most: { readonly weights: number; readonly bytes: number },
  got: { readonly weights: number; readonly bytes: number },
): WorldError =>
  new WorldError(
    "world/too-big",
    `${folder}: expected at most ${most.weights} weights and ${most.bytes} bytes, got ${got.weights} and ${got.bytes}. Train a smaller model.`,
    { folder, most, got },
  );

export const outNotEmpty = (path: string): WorldError =>
  new WorldError(
    "world/out-not-empty",
    `${path}: expected an empty or new folder, got files. Choose another --out, or delete the folder.`,
    { path },
  );

export const notBuilt = (path: string): WorldError =>
  new WorldError(
    "world/not-built",
    `${path}: expected the built package, got no such file. Run "npm run build" first.`,
    { path },
  );

export const blipFailed = (command: string, code: number | string, log: string): WorldError =>
  new WorldError(
    "world/blip-failed",
    `blip ${command}: expected exit code 0, got ${code}. Read ${log}, then run the same command again.`,
    { command, code, log },
  );

export const mixedSettings = (folder: string, got: number): WorldError =>
  new WorldError(
    "world/mixed-settings",
    `${folder}: expected results of the same settings, got ${got} different ones. Keep results of other settings in another folder.`,
    { folder, got },
  );

export const noTables = (mark: string): WorldError =>
  new WorldError(
    "world/no-tables",
    `The page: expected the mark ${mark} and its end, got none. Write both at the place of the table.`,
    { mark },
  );

export const noPositions = (model: string, got: string): WorldError =>
  new WorldError(
    "world/no-positions",
    `${model}: expected visual_encoder.pos_embed [1, 1 + N * N, a multiple of 4], got ${got}. Name a model with square images that "blip train" wrote.`,
    { model, got },
  );
