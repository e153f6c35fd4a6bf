export interface Room {
  readonly name: string;
  /** The folder or file, relative to the root. */
  readonly path: string;
  /** The rooms that it may import, if they are fewer than all rooms below it. */
  readonly only?: readonly string[];
}
export declare const layers: readonly (readonly Room[])[];
export declare const rooms: readonly (Room & { readonly level: number })[];
/** One rule per room, in dependency-cruiser's form: the imports that are forbidden for the room. */
export declare function layerRules(): {
  name: string;
  comment: string;
  severity: "error";
  from: { path: string };
  to: { path: string[] };
}[];
/** Finds modules that no entry point reaches, such as a pass, a verb or a command that no list names. */
export declare function forgottenRule(): {
  name: string;
  severity: "error";
  from: { path: string };
  to: { path: string; pathNot: string[]; reachable: boolean };
};
