import { type ModelId, parseModelId, v2 } from '@formhaven/contract';

// What a request below /formrecognizer asks for. The gateway knows every operation of the v2 generation by name; what it does not
// know is answered 404 here and goes nowhere.

/** What an analysis runs on. `modelId` is the client's, as it came: v2 answers a malformed one 1001. */
export type AnalysisTarget =
  | { readonly kind: 'custom'; readonly modelId: string }
  | { readonly kind: 'layout' }
  | { readonly kind: 'prebuilt'; readonly prebuilt: v2.PrebuiltName };

export type WriteKind = 'train' | 'compose' | 'delete' | 'authorizeCopy';

export type RoutedRequest = { readonly version: v2.V2Version; readonly query: string } & (
  | { readonly kind: 'analyze'; readonly target: AnalysisTarget }
  | { readonly kind: 'poll'; readonly location: v2.V2Location }
  | { readonly kind: 'getModel'; readonly modelId: string }
  | { readonly kind: 'listModels'; readonly nextLink: string | undefined }
  | { readonly kind: 'summary' }
  | { readonly kind: 'copy'; readonly modelId: string }
  | { readonly kind: 'train' }
  | { readonly kind: 'compose' }
  | { readonly kind: 'authorizeCopy' }
  | { readonly kind: 'delete'; readonly modelId: string }
);

/** Undefined where it is none of them. Paths ignore case, as the service's do. */
export function routeRequest(method: string, url: string): RoutedRequest | undefined {
  const queryAt = url.indexOf('?');
  const path = queryAt === -1 ? url : url.slice(0, queryAt);
  const query = queryAt === -1 ? '' : url.slice(queryAt);
  const match = /^\/formrecognizer\/([^/]+)\/(.+)$/i.exec(path);
  const version = v2.parseV2Version(match?.[1] ?? '');
  if (match === null || version === undefined) return undefined;
  const segments = decoded(match[2] ?? '');
  if (segments === undefined) return undefined;
  const names = segments.map((segment) => segment.toLowerCase());
  const [first, second, third, fourth] = names;
  const given = { version, query };

  if (method === 'POST' && names.at(-1) === 'analyze') {
    if (first === 'layout' && names.length === 2) return { ...given, kind: 'analyze', target: { kind: 'layout' } };
    if (first === 'prebuilt' && names.length === 3) {
      const prebuilt = v2.V2_FEATURES[version].prebuilt.find((name) => name.toLowerCase() === second);
      return prebuilt && { ...given, kind: 'analyze', target: { kind: 'prebuilt', prebuilt } };
    }
    if (first === 'custom' && second === 'models' && names.length === 4) {
      return { ...given, kind: 'analyze', target: { kind: 'custom', modelId: segments[2] ?? '' } };
    }
    return undefined;
  }
  if (method === 'GET') {
    const location = v2.parseLocation(path);
    if (location !== undefined && location.kind !== 'model') return { ...given, kind: 'poll', location };
  }
  if (first !== 'custom' || second !== 'models') return undefined;
  if (names.length === 2) {
    if (method === 'POST') return { ...given, kind: 'train' };
    if (method !== 'GET') return undefined;
    const parameters = new URLSearchParams(query);
    if (parameters.get('op') === 'summary') return { ...given, kind: 'summary' };
    return { ...given, kind: 'listModels', nextLink: parameters.get('nextLink') || undefined };
  }
  if (names.length === 3 && method === 'POST') {
    if (third === 'copyauthorization') return { ...given, kind: 'authorizeCopy' };
    if (third === 'compose' && v2.V2_FEATURES[version].canCompose) return { ...given, kind: 'compose' };
    return undefined;
  }
  const modelId = segments[2] ?? '';
  if (names.length === 3 && method === 'GET') return { ...given, kind: 'getModel', modelId };
  if (names.length === 3 && method === 'DELETE') return { ...given, kind: 'delete', modelId };
  if (names.length === 4 && method === 'POST' && fourth === 'copy') return { ...given, kind: 'copy', modelId };
  return undefined;
}

/** Path of an analysis, with the id the region knows the model by. */
export function analysisPath(version: v2.V2Version, target: AnalysisTarget): string {
  const base = v2.basePath(version);
  switch (target.kind) {
    case 'custom':
      return `${base}/custom/models/${encodeURIComponent(target.modelId)}/analyze`;
    case 'layout':
      return `${base}/layout/analyze`;
    case 'prebuilt':
      return `${base}/prebuilt/${target.prebuilt}/analyze`;
    default:
      throw new TypeError(`no such target: ${JSON.stringify(target satisfies never)}`);
  }
}

/** Undefined for what has no model of its own, and for ids that are none. */
export function modelOf(request: RoutedRequest): ModelId | undefined {
  switch (request.kind) {
    case 'getModel':
    case 'copy':
    case 'delete':
      return parseModelId(request.modelId);
    case 'analyze':
      return request.target.kind === 'custom' ? parseModelId(request.target.modelId) : undefined;
    case 'poll':
      return 'modelId' in request.location ? request.location.modelId : undefined;
    default:
      return undefined;
  }
}

function decoded(path: string): string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
