export { analyze } from './analyze.ts';
export { analyzeComposed, type ComposedAnalysis } from './compose.ts';
export { parseFieldsFile } from './fieldsFile.ts';
export { parseLabelsFile } from './labelsFile.ts';
export { parseModel, serializeModel } from './modelFile.ts';
export { parseOcrFile } from './ocrFile.ts';
export { type TrainRequest, train } from './trainLabeled.ts';
export { type TrainUnlabeledRequest, trainUnlabeled } from './unlabeled/train.ts';
