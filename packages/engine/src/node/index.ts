// ONNX Runtime in Node's worker threads.
export { ownFile } from "./own-file.ts";
export { nodeDevices } from "./devices.ts";
export { createNodeEngine, int8Products } from "./node-engine.ts";
export { startNodeTraining } from "./start-training.ts";
export { cannotLoad } from "./native-library.ts";
