// Training and extraction as pure functions over plain data, no disk, no clock, no network: pages and labels in, a model or
// values out, the same bytes for the same input. Without reading in between, this is where extraction is measured:
//
//   const fields = parseFieldsFile(fieldsJson);
//   const { labels } = parseLabelsFile(labelsJson);
//   const model = train({ fields, samples: [{ name, pages: parseOcrFile(ocrJson), labels }] });
//   const analysis = analyze(parseModel(JSON.parse(serializeModel(model))), parseOcrFile(otherOcrJson));

export { analyze } from './analyze.ts';
export { analyzeComposed, type ComposedAnalysis } from './compose.ts';
export { parseFieldsFile } from './fieldsFile.ts';
export { parseLabelsFile } from './labelsFile.ts';
export { parseModel, serializeModel } from './modelFile.ts';
export { parseOcrFile } from './ocrFile.ts';
export { type TrainRequest, train } from './trainLabeled.ts';
export { type TrainUnlabeledRequest, trainUnlabeled } from './unlabeled/train.ts';
