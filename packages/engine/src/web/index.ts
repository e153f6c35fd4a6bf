// ONNX Runtime in a page's Web Worker.
export { createWebEngine } from "./web-engine.ts";
export { folderUrl, type WasmPaths, type WebEngineSettings } from "./settings.ts";
export { startWebTraining } from "./start-training.ts";
