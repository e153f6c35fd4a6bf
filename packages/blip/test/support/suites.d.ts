/** Models of fixtures/tiny whose image encoders have the same sizes. */
declare const models: {
    readonly match: "match";
    readonly caption: "caption";
    readonly ask: "vqa-original";
    readonly compare: "nlvr-original";
};
export type PartTask = keyof typeof models;
/**
 * Folders of one task each, whose image encoders are equal.
 * @param root a folder that they are made in
 */
export declare function tinyParts(root: string): Promise<Record<PartTask, string>>;
/** A suite of such folders. */
export declare function tinySuite(parts: Readonly<Record<PartTask, string>>, folder: string, tasks: readonly PartTask[]): Promise<string>;
export {};
