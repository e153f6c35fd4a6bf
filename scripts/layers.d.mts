export interface Room {
  readonly name: string;
  /** The folder, or the file, below the root. */
  readonly path: string;
  /** The rooms that it may import, if they are fewer than all below it. */
  readonly only?: readonly string[];
}
export declare const layers: readonly (readonly Room[])[];
export declare const rooms: readonly (Room & { readonly level: number })[];
/** One rule per room, as dependency-cruiser reads it: what the room must not import. */
export declare function layerRules(): {
  name: string;
  comment: string;
  severity: "error";
  from: { path: string };
  to: { path: string[] };
}[];
/** What no entry leads to: a pass, a verb or a command that no list names. */
export declare function forgottenRule(): {
  name: string;
  severity: "error";
  from: { path: string };
  to: { path: string; pathNot: string[]; reachable: boolean };
};
