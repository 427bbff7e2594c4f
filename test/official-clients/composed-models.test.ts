import { join } from 'node:path';
import { AzureKeyCredential, FormRecognizerClient, FormTrainingClient } from '@azure/ai-form-recognizer-v2.1';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectedFields, FORMS, readStatement, STATEMENTS } from '../kit/forms.ts';
import { startRegions, type TestRegion } from '../kit/regions.ts';

// Only v2.1 composes models, and of the clients only 3.2.0.

const UPDATE = { updateIntervalInMs: 50 };

const opened = new AsyncDisposableStack();
let source: TestRegion;
let target: TestRegion;

beforeAll(async () => {
  const regions = opened.use(await startRegions(['westus2', 'eastus']));
  source = regions.region('westus2');
  target = regions.region('eastus');
});

afterAll(() => opened.disposeAsync());

test('the client 3.2.0 composes two models, copies what they make, and reads with the right one of them', async () => {
  const atSource = training(source);
  const atTarget = training(target);
  const trained = await Promise.all([
    train(atSource, STATEMENTS, 'statements'),
    train(atSource, join(FORMS, 'azure-1099', 'train'), 'taxes'),
  ]);
  const ids = trained.map(({ modelId }) => modelId);

  const composing = await atSource.beginCreateComposedModel(ids, { ...UPDATE, modelName: 'both' });
  const composed = await composing.pollUntilDone();
  expect(composed).toMatchObject({ status: 'ready', modelName: 'both', properties: { isComposedModel: true } });
  expect(composed.submodels?.map(({ modelId }) => modelId)).toEqual(ids);

  const authorization = await atTarget.getCopyAuthorization(target.resourceId, target.name);
  const copying = await atSource.beginCopyModel(composed.modelId, authorization, UPDATE);
  const { modelId } = await copying.pollUntilDone();
  const copy = await atTarget.getCustomModel(modelId);
  expect(copy).toMatchObject({ status: 'ready', modelName: 'both', properties: { isComposedModel: true } });
  expect(copy.submodels).toHaveLength(2);

  const client = new FormRecognizerClient(target.endpoint, new AzureKeyCredential(target.key1));
  const recognizing = await client.beginRecognizeCustomForms(modelId, await readStatement('Invoice_6.pdf'), {
    ...UPDATE,
    contentType: 'application/pdf',
  });
  const [form] = (await recognizing.pollUntilDone()) ?? [];
  const expected = await expectedFields('Invoice_6.pdf');
  expect(form?.fields['Sold To']?.valueData?.text).toBe(expected['Sold To']);
  expect(form?.formType).toContain('statements');
});

function training(region: TestRegion): FormTrainingClient {
  return new FormTrainingClient(region.endpoint, new AzureKeyCredential(region.key1));
}

async function train(client: FormTrainingClient, folder: string, modelName: string): Promise<{ modelId: string }> {
  return await (await client.beginTraining(folder, true, { ...UPDATE, modelName })).pollUntilDone();
}
