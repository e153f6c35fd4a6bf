// The picture-book world as a library.
export { catalogue, Catalogue, type Sprite } from "./art/catalogue.ts";
export { artPackages, farStyles, styles, trainingStyles, unseenStyles, type Style } from "./art/packages.ts";
export { blankSprites, hasSprites, readSprites, type SpriteSource } from "./art/sprites.ts";
export { Drawer, type DrawnImage } from "./draw/draw.ts";
export { readPanoramas } from "./draw/photo.ts";
export { Random } from "./random.ts";
export type { Group, Scene, SceneKind, Thing } from "./scene/graph.ts";
export { sceneSource, type SceneSource } from "./scene/sample.ts";
export { splitNames, worldNames, type SplitName, type WorldName } from "./scene/settings.ts";
export { falseCaption } from "./say/edit.ts";
export { captionsOf, plainCaption, planOf, wordsOf } from "./say/plan.ts";
export { questionsOf } from "./say/questions.ts";
export { statementOf } from "./say/statements.ts";
export { webText, type WebKind } from "./say/web.ts";
export { make, type MakeOptions, type MakeReport } from "./write/make.ts";
export { vocabulary } from "./vocabulary.ts";
export { concepts, type Concept } from "./words/concepts.ts";
