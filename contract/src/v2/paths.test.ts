import { describe, expect, it } from 'vitest';
import { parseModelId, parseOperationId } from '../ids.ts';
import { locationPath, locationUrl, nextLinkUrl, parseLocation, type V2Location } from './paths.ts';
import { basePath, parseV2Version, V2_VERSIONS } from './versions.ts';

const GUID = 'f973e3c1-1148-43bb-bea8-49d0603ab3a8';
const OTHER = '3b1e6c5b-e113-4114-ab6b-ce65dfe8050f';
const modelId = present(parseModelId(GUID));
const resultId = present(parseOperationId(OTHER));

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no value');
  return value;
}

const LOCATIONS: readonly [V2Location, string][] = [
  [{ kind: 'model', version: 'v2.0-preview', modelId }, `/formrecognizer/v2.0-preview/custom/models/${GUID}`],
  [
    { kind: 'analyzeResult', version: 'v2.0', modelId, resultId },
    `/formrecognizer/v2.0/custom/models/${GUID}/analyzeresults/${OTHER}`,
  ],
  [
    { kind: 'copyResult', version: 'v2.1', modelId, resultId },
    `/formrecognizer/v2.1/custom/models/${GUID}/copyresults/${OTHER}`,
  ],
  [{ kind: 'layoutResult', version: 'v2.1', resultId }, `/formrecognizer/v2.1/layout/analyzeResults/${OTHER}`],
  [
    { kind: 'prebuiltResult', version: 'v2.1', prebuilt: 'businessCard', resultId },
    `/formrecognizer/v2.1/prebuilt/businessCard/analyzeResults/${OTHER}`,
  ],
];

describe('locations', () => {
  it.each(LOCATIONS)('are spelled as the service spells them: %o', (location, path) => {
    expect(locationPath(location)).toBe(path);
    expect(locationUrl('https://westus2.example/', location)).toBe(`https://westus2.example${path}`);
  });

  it.each(LOCATIONS)('are read back in any case, from URLs and paths: %o', (location, path) => {
    expect(parseLocation(path)).toEqual(location);
    expect(parseLocation(path.toUpperCase())).toEqual(location);
    expect(parseLocation(`https://a.example:8443/prefix${path}?includeKeys=true`)).toEqual(location);
  });

  it.each([
    '',
    '/',
    'https://',
    `/formrecognizer/v3/custom/models/${GUID}`,
    '/formrecognizer/v2.1/custom/models/xx',
    '/formrecognizer/v2.1/custom/models/compose',
    `/formrecognizer/v2.1/custom/models/${GUID}/`,
    `/formrecognizer/v2.1/custom/models/${GUID}/analyze`,
    `/formrecognizer/v2.1/custom/models/${GUID}/otherresults/${OTHER}`,
    `/formrecognizer/v2.1/custom/models/${GUID}/copyresults/${OTHER}/more`,
    `/formrecognizer/v2.1/layout/analyzeResults/${OTHER}/more`,
    `/formrecognizer/v2.1/prebuilt/passport/analyzeResults/${OTHER}`,
  ])('are not read from %j', (text) => {
    expect(parseLocation(text)).toBeUndefined();
  });

  it('end in an id that the official clients find after the last slash', () => {
    for (const [location, path] of LOCATIONS) {
      expect(locationUrl('http://a', location).split('/').at(-1)).toBe(path.endsWith(GUID) ? GUID : OTHER);
    }
  });
});

describe('nextLink', () => {
  it('is absolute, without op, and carries any token', () => {
    expect(nextLinkUrl('http://a:1/', 'v2.1', 'a/b?c&d')).toBe(
      'http://a:1/formrecognizer/v2.1/custom/models?nextLink=a%2Fb%3Fc%26d',
    );
  });
});

describe('versions', () => {
  it.each(V2_VERSIONS)('%s is read in any case', (version) => {
    expect(parseV2Version(version.toUpperCase())).toBe(version);
    expect(basePath(version)).toBe(`/formrecognizer/${version}`);
  });

  it('are no others', () => {
    expect(parseV2Version('v2.2')).toBeUndefined();
    expect(parseV2Version('v2.1-preview.4')).toBeUndefined();
  });
});
