import { AzureKeyCredential, FormRecognizerClient, FormTrainingClient } from '@azure/ai-form-recognizer-v2.1';
import { failoverHttpClient } from '@formhaven/client-policy';
import type { ModelMap } from '@formhaven/contract';
import { describe, expect, test } from 'vitest';
import { FakeRegion } from './fake-region.ts';
import { MODEL, MODEL_IN_EAST, sha256, someDocument, until } from './fleet.ts';

// The official client with regions of its own instead of a gateway.

const MAP: ModelMap = {
  version: 1,
  writtenOn: '2026-01-01T00:00:00Z',
  models: [
    {
      id: MODEL,
      regions: { west: { modelId: MODEL, isProven: true }, east: { modelId: MODEL_IN_EAST, isProven: true } },
    },
  ],
};

class Setting implements AsyncDisposable {
  readonly west: FakeRegion;
  readonly east: FakeRegion;
  readonly recognizing: FormRecognizerClient;
  readonly training: FormTrainingClient;

  private constructor(west: FakeRegion, east: FakeRegion) {
    this.west = west;
    this.east = east;
    const regions = [west, east].map(({ name, endpoint, keys }) => ({ name, endpoint, key: keys[0] ?? '' }));
    const httpClient = failoverHttpClient({ regions, modelMap: () => MAP, timeoutMilliseconds: 1000 });
    const credential = new AzureKeyCredential('not a key of any region');
    this.recognizing = new FormRecognizerClient(west.endpoint, credential, { httpClient });
    this.training = new FormTrainingClient(west.endpoint, credential, { httpClient });
  }

  static async start(finishMilliseconds = 100): Promise<Setting> {
    const west = await FakeRegion.start('west', { models: [MODEL], finishMilliseconds });
    const east = await FakeRegion.start('east', { models: [MODEL_IN_EAST], finishMilliseconds: 20 });
    return new Setting(west, east);
  }

  async recognize(): Promise<{ readonly region: unknown; readonly isRight: boolean; readonly formType: string }> {
    const { body } = someDocument();
    const poller = await this.recognizing.beginRecognizeCustomForms(MODEL, body, {
      contentType: 'application/pdf',
      updateIntervalInMs: 40,
    });
    const [form] = (await poller.pollUntilDone()) ?? [];
    return {
      region: form?.fields.Region?.value,
      isRight: form?.fields.Sha256?.value === sha256(body),
      formType: form?.formType ?? '',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.west[Symbol.asyncDispose]();
    await this.east[Symbol.asyncDispose]();
  }
}

describe('the official client without a gateway', () => {
  test('gets its documents read while its first region lives, dies, and comes back', async () => {
    await using setting = await Setting.start();
    const formType = `custom:${MODEL}`;
    expect(await setting.recognize()).toEqual({ region: 'west', isRight: true, formType });
    await setting.west.kill();
    expect(await setting.recognize()).toEqual({ region: 'east', isRight: true, formType });
    await setting.west.revive();
    expect(await setting.recognize()).toEqual({ region: 'east', isRight: true, formType });
    // Each region saw its own key.
    const keys = new Set([...setting.west.requests, ...setting.east.requests].map(({ key }) => key));
    expect(keys).toEqual(new Set([setting.west.keys[0], setting.east.keys[0]]));
  });

  test.each(['kill', 'silence', 'forget'] as const)(
    'gets the result of an analysis under way through a %s',
    async (fault) => {
      await using setting = await Setting.start(60_000);
      const results = Array.from({ length: 5 }, () => setting.recognize());
      await until('west has them', () => setting.west.customAnalyses === 5);
      if (fault === 'kill') await setting.west.kill();
      if (fault === 'silence') setting.west.behave({ kind: 'silent' });
      if (fault === 'forget') setting.west.analyses.clear();
      for (const result of await Promise.all(results)) expect(result).toMatchObject({ region: 'east', isRight: true });
    },
  );

  test('reads models under one id everywhere, and writes to one region only', async () => {
    await using setting = await Setting.start();
    const before = await setting.training.getCustomModel(MODEL);
    await setting.west.kill();
    const after = await setting.training.getCustomModel(MODEL);
    expect(after.modelId).toBe(before.modelId);
    const listed: string[] = [];
    for await (const { modelId } of setting.training.listCustomModels()) listed.push(modelId);
    expect(listed).toEqual([MODEL]);
    await expect(setting.training.deleteModel(MODEL)).rejects.toThrow();
    expect(setting.east.models.has(MODEL_IN_EAST)).toBe(true);
  });
});
