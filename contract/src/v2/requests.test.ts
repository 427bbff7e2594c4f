import { describe, expect, it } from 'vitest';
import { parseComposeRequest, parseCopyRequest, parseSourcePath, parseTrainRequest } from './requests.ts';

const GUID = 'f973e3c1-1148-43bb-bea8-49d0603ab3a8';
const OTHER = '3b1e6c5b-e113-4114-ab6b-ce65dfe8050f';
const SOURCE = 'https://account.blob.core.windows.net/container?sig=SECRET';

describe('parseTrainRequest', () => {
  it.each([
    ['what the JS client sends', { source: SOURCE, sourceFilter: {}, useLabelFile: false }, '', false],
    ['what Python sends', { source: SOURCE, sourceFilter: { prefix: '', includeSubFolders: false } }, '', false],
    ['a filter', { source: SOURCE, sourceFilter: { prefix: 'A/', includeSubFolders: true } }, 'A/', true],
    ['nulls as absent', { source: SOURCE, sourceFilter: null, useLabelFile: null, modelName: null }, '', false],
    ['unknown members', { source: SOURCE, colour: 'red', sourceFilter: { suffix: 1 } }, '', false],
  ])('takes %s', (_, body, prefix, includeSubFolders) => {
    expect(parseTrainRequest(body, 'v2.1')).toEqual({
      ok: true,
      value: {
        source: SOURCE,
        sourceFilter: { prefix, includeSubFolders },
        useLabelFile: false,
        modelName: undefined,
      },
    });
  });

  it('reads modelName in v2.1 and ignores it before, whatever it is', () => {
    expect(parseTrainRequest({ source: SOURCE, modelName: 'n' }, 'v2.1')).toMatchObject({ value: { modelName: 'n' } });
    expect(parseTrainRequest({ source: SOURCE, modelName: 5 }, 'v2.1')).toMatchObject({ ok: false });
    expect(parseTrainRequest({ source: SOURCE, modelName: 5 }, 'v2.0')).toMatchObject({
      ok: true,
      value: { modelName: undefined },
    });
  });

  it.each([
    [undefined, 'The body must be of type object.'],
    [null, 'The body must be of type object.'],
    ['text', 'The body must be of type object.'],
    [[], 'The body must be of type object.'],
    [{}, 'source is required.'],
    [{ source: 5 }, 'source must be of type string.'],
    [{ source: '' }, 'source must not have fewer than 1 characters.'],
    [{ source: 'x'.repeat(2049) }, 'source must not have more than 2048 characters.'],
    [{ source: SOURCE, sourceFilter: 'A/' }, 'sourceFilter must be of type object.'],
    [{ source: SOURCE, sourceFilter: { prefix: 5 } }, 'sourceFilter.prefix must be of type string.'],
    [
      { source: SOURCE, sourceFilter: { prefix: 'x'.repeat(1025) } },
      'sourceFilter.prefix must not have more than 1024 characters.',
    ],
    [
      { source: SOURCE, sourceFilter: { includeSubFolders: 'true' } },
      'sourceFilter.includeSubFolders must be of type boolean.',
    ],
    [{ source: SOURCE, useLabelFile: 'yes' }, 'useLabelFile must be of type boolean.'],
    [{ source: SOURCE, modelName: 'x'.repeat(1025) }, 'modelName must not have more than 1024 characters.'],
  ])('says of %j what is wrong and where', (body, message) => {
    expect(parseTrainRequest(body, 'v2.1')).toEqual({ ok: false, code: '1002', message });
  });

  it('takes 2048 characters of source and 1024 of prefix', () => {
    const body = { source: 'x'.repeat(2048), sourceFilter: { prefix: 'x'.repeat(1024) } };
    expect(parseTrainRequest(body, 'v2.0-preview').ok).toBe(true);
  });

  it('never repeats a value', () => {
    const parsed = parseTrainRequest({ source: `${SOURCE}${'x'.repeat(2048)}`, useLabelFile: 'SECRET' }, 'v2.1');
    expect(JSON.stringify(parsed)).not.toContain('SECRET');
  });
});

describe('parseCopyRequest', () => {
  const body = {
    targetResourceId: '/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a',
    targetResourceRegion: 'westus2',
    copyAuthorization: { modelId: GUID, accessToken: OTHER, expirationDateTimeTicks: 637190189980000000 },
  };

  it('takes the body of the guide', () => {
    expect(parseCopyRequest(body)).toEqual({ ok: true, value: body });
  });

  it('takes region and resource id in any case', () => {
    const shouted = { ...body, targetResourceRegion: 'WestUS2', targetResourceId: body.targetResourceId.toLowerCase() };
    expect(parseCopyRequest(shouted)).toMatchObject({ ok: true, value: { targetResourceRegion: 'westus2' } });
  });

  it.each([
    [{}, 'targetResourceId, targetResourceRegion, copyAuthorization are required.'],
    [
      { ...body, targetResourceId: '/subscriptions/s' },
      'targetResourceId must be /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.CognitiveServices/accounts/{name}.',
    ],
    [
      { ...body, targetResourceId: `${body.targetResourceId}${'a'.repeat(1024)}` },
      'targetResourceId must not have more than 1024 characters.',
    ],
    [{ ...body, targetResourceRegion: 'west us' }, 'targetResourceRegion must be 1 to 24 letters and digits.'],
    [{ ...body, targetResourceRegion: '' }, 'targetResourceRegion must not have fewer than 1 characters.'],
    [{ ...body, copyAuthorization: null }, 'copyAuthorization must be of type object.'],
    [
      { ...body, copyAuthorization: { modelId: GUID, accessToken: OTHER } },
      'copyAuthorization.expirationDateTimeTicks is required.',
    ],
    [
      { ...body, copyAuthorization: { ...body.copyAuthorization, expirationDateTimeTicks: '1' } },
      'copyAuthorization.expirationDateTimeTicks must be of type number.',
    ],
    [
      { ...body, copyAuthorization: { ...body.copyAuthorization, modelId: 'x' } },
      'copyAuthorization.modelId must be a GUID.',
    ],
  ])('says of %j what is wrong and where', (wrong, message) => {
    expect(parseCopyRequest(wrong)).toEqual({ ok: false, code: '1002', message });
  });
});

describe('parseComposeRequest', () => {
  it('takes two models, and each once', () => {
    expect(parseComposeRequest({ modelIds: [GUID, OTHER, GUID.toUpperCase()], modelName: 'n' })).toEqual({
      ok: true,
      value: { modelIds: [GUID, OTHER], modelName: 'n' },
    });
  });

  it.each([{}, { modelIds: null }, { modelIds: [] }, { modelIds: [GUID] }, { modelIds: [GUID, GUID.toUpperCase()] }])(
    'answers %j as the service does',
    (body) => {
      expect(parseComposeRequest(body)).toEqual({
        ok: false,
        code: '1001',
        message: "Parameter 'ModelIds' is either null or has less than two unique models.",
      });
    },
  );

  it('says which id is none', () => {
    expect(parseComposeRequest({ modelIds: [GUID, 'x'] })).toMatchObject({ message: 'modelIds[1] must be a GUID.' });
    expect(parseComposeRequest({ modelIds: [GUID, 5] })).toMatchObject({
      message: 'modelIds.1 must be of type string.',
    });
  });

  it('takes at most 200 models', () => {
    const modelIds = Array.from({ length: 201 }, (_, i) => GUID.slice(0, -3) + String(i).padStart(3, '0'));
    expect(parseComposeRequest({ modelIds })).toMatchObject({ ok: false, code: '1002' });
    expect(parseComposeRequest({ modelIds: modelIds.slice(1) })).toMatchObject({ ok: true });
  });
});

describe('parseSourcePath', () => {
  it.each([{ source: 'http://a' }, { url: 'http://a' }, { source: 'http://a', url: 'http://b' }])(
    'takes %j',
    (body) => {
      expect(parseSourcePath(body)).toEqual({ ok: true, value: { source: 'http://a' } });
    },
  );

  it.each([
    [{}, 'source is required.'],
    [{ url: 5 }, 'source must be of type string.'],
    ['http://a', 'The body must be of type object.'],
  ])('says of %j what is wrong', (body, message) => {
    expect(parseSourcePath(body)).toEqual({ ok: false, code: 'BadArgument', message });
  });
});
