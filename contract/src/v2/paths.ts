import { type ModelId, type OperationId, parseModelId, parseOperationId } from '../ids.ts';
import { basePath, PREBUILT_NAMES, type PrebuiltName, parseV2Version, type V2Version } from './versions.ts';

// What stands in `Location` and `Operation-Location`: absolute URLs on the resource that was called (recorded). The official
// clients take what follows the last `/` as the id and check that it is a UUID, so there is never a query or a last slash.
// The case is the service's own: `analyzeresults` and `copyresults` below custom models, `analyzeResults` below layout and
// prebuilt. Clients then ask for `copyResults`, so reading ignores case.

export type V2Location =
  | { readonly kind: 'model'; readonly version: V2Version; readonly modelId: ModelId }
  | {
      readonly kind: 'analyzeResult';
      readonly version: V2Version;
      readonly modelId: ModelId;
      readonly resultId: OperationId;
    }
  | {
      readonly kind: 'copyResult';
      readonly version: V2Version;
      readonly modelId: ModelId;
      readonly resultId: OperationId;
    }
  | { readonly kind: 'layoutResult'; readonly version: V2Version; readonly resultId: OperationId }
  | {
      readonly kind: 'prebuiltResult';
      readonly version: V2Version;
      readonly prebuilt: PrebuiltName;
      readonly resultId: OperationId;
    };

/** The path of a location, beginning with `/formrecognizer`. */
export function locationPath(location: V2Location): string {
  const base = basePath(location.version);
  switch (location.kind) {
    case 'model':
      return `${base}/custom/models/${location.modelId}`;
    case 'analyzeResult':
      return `${base}/custom/models/${location.modelId}/analyzeresults/${location.resultId}`;
    case 'copyResult':
      return `${base}/custom/models/${location.modelId}/copyresults/${location.resultId}`;
    case 'layoutResult':
      return `${base}/layout/analyzeResults/${location.resultId}`;
    case 'prebuiltResult':
      return `${base}/prebuilt/${location.prebuilt}/analyzeResults/${location.resultId}`;
    default: {
      const never: never = location;
      throw new TypeError(`no such location: ${JSON.stringify(never)}`);
    }
  }
}

/** The absolute URL. `baseUrl` is scheme and host, with or without a path before `/formrecognizer` and a last slash. */
export function locationUrl(baseUrl: string, location: V2Location): string {
  return withoutLastSlash(baseUrl) + locationPath(location);
}

/** `nextLink` of the list of models: an absolute URL without `op` (recorded). */
export function nextLinkUrl(baseUrl: string, version: V2Version, token: string): string {
  return `${withoutLastSlash(baseUrl)}${basePath(version)}/custom/models?nextLink=${encodeURIComponent(token)}`;
}

/**
 * What a `Location`, an `Operation-Location` or the path of a request points at. Takes absolute URLs and paths, ignores case,
 * a query and what stands before `/formrecognizer`. Undefined where it is none of the locations above.
 */
export function parseLocation(urlOrPath: string): V2Location | undefined {
  const path = URL.parse(urlOrPath, 'http://resource.invalid')?.pathname;
  const match = path === undefined ? null : /\/formrecognizer\/([^/]+)\/(.+)$/i.exec(path);
  if (match === null) return undefined;
  const version = parseV2Version(match[1] ?? '');
  if (version === undefined) return undefined;
  const segments = (match[2] ?? '').split('/');
  const names = segments.map((segment) => segment.toLowerCase());
  const resultId = parseOperationId(segments.at(-1) ?? '');

  if (names[0] === 'custom' && names[1] === 'models') {
    const modelId = parseModelId(segments[2] ?? '');
    if (modelId === undefined) return undefined;
    if (segments.length === 3) return { kind: 'model', version, modelId };
    if (segments.length !== 5 || resultId === undefined) return undefined;
    if (names[3] === 'analyzeresults') return { kind: 'analyzeResult', version, modelId, resultId };
    if (names[3] === 'copyresults') return { kind: 'copyResult', version, modelId, resultId };
    return undefined;
  }
  if (resultId === undefined) return undefined;
  if (names[0] === 'layout' && names[1] === 'analyzeresults' && segments.length === 3) {
    return { kind: 'layoutResult', version, resultId };
  }
  if (names[0] === 'prebuilt' && names[2] === 'analyzeresults' && segments.length === 4) {
    const prebuilt = PREBUILT_NAMES.find((name) => name.toLowerCase() === names[1]);
    return prebuilt === undefined ? undefined : { kind: 'prebuiltResult', version, prebuilt, resultId };
  }
  return undefined;
}

function withoutLastSlash(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, '');
}
