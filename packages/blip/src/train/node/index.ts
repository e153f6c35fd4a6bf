// Training data on Node.
export { createTrainingData, type NodeTrainingDataOptions } from "./create-training-data.ts";
