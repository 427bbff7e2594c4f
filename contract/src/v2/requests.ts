import { type TSchema, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { type ModelId, parseModelId, parseRegion, parseResourceId, type Region, type ResourceId } from '../ids.ts';
import { Sometimes, type Wire } from '../wire.ts';
import type { ErrorCode } from './errors.ts';
import { V2_LIMITS } from './limits.ts';
import { CopyAuthorizationResultSchema } from './responses.ts';
import { V2_FEATURES, type V2Version } from './versions.ts';

// Bodies of the v2 generation's requests, and their parsers. Source: swagger 2.0 and 2.1. Members nobody knows are ignored,
// as the service does; a null where a member may be absent counts as absent.

const Source = Type.String({ minLength: 1, maxLength: V2_LIMITS.sourceLength });
const ModelName = Type.String({ maxLength: V2_LIMITS.modelNameLength });

/** POST /custom/models. JS clients send `"sourceFilter":{}` where none is given, Python an empty prefix (recorded). */
export const TrainRequestSchema = Type.Object({
  /** Container SAS URL with read and list, or a folder the server may read. */
  source: Source,
  sourceFilter: Sometimes(
    Type.Object({
      /** Case matters. */
      prefix: Sometimes(Type.String({ maxLength: V2_LIMITS.prefixLength })),
      includeSubFolders: Sometimes(Type.Boolean()),
    }),
  ),
  useLabelFile: Sometimes(Type.Boolean()),
  /** v2.1; ignored before. */
  modelName: Sometimes(ModelName),
});
export type TrainRequest = Wire<typeof TrainRequestSchema>;

/** POST /custom/models/{modelId}/copy. */
export const CopyRequestSchema = Type.Object({
  targetResourceId: Type.String({ maxLength: V2_LIMITS.resourceIdLength }),
  /** Taken without regard to case since August 2020 (recorded). */
  targetResourceRegion: Type.String({ minLength: 1, maxLength: V2_LIMITS.regionLength }),
  copyAuthorization: CopyAuthorizationResultSchema,
});
export type CopyRequest = Wire<typeof CopyRequestSchema>;

/** POST /custom/models/compose, v2.1. */
export const ComposeRequestSchema = Type.Object({
  modelIds: Type.Array(Type.String()),
  modelName: Sometimes(ModelName),
});
export type ComposeRequest = Wire<typeof ComposeRequestSchema>;

/** Body of an analysis that names its document. The labelling tool spells it `url` to layout, everyone else `source`. */
export const SourcePathSchema = Type.Union([Type.Object({ source: Source }), Type.Object({ url: Source })]);
export type SourcePath = Wire<typeof SourcePathSchema>;

export type ParseResult<Value> =
  | { readonly ok: true; readonly value: Value }
  /** `message` says what is wrong and where. It never repeats a value: those hold tokens and signatures. */
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string };

/** A train request with everything optional filled in. */
export interface ParsedTrainRequest {
  readonly source: string;
  readonly sourceFilter: { readonly prefix: string; readonly includeSubFolders: boolean };
  readonly useLabelFile: boolean;
  readonly modelName: string | undefined;
}

export interface ParsedCopyRequest {
  readonly targetResourceId: ResourceId;
  readonly targetResourceRegion: Region;
  readonly copyAuthorization: {
    readonly modelId: ModelId;
    readonly accessToken: string;
    /** As sent: compare with `isSameExpiration`. */
    readonly expirationDateTimeTicks: number;
  };
}

export interface ParsedComposeRequest {
  /** Unique, in the order given. */
  readonly modelIds: readonly ModelId[];
  readonly modelName: string | undefined;
}

export interface ParsedSourcePath {
  readonly source: string;
}

const trainRequest = Compile(TrainRequestSchema);
const copyRequest = Compile(CopyRequestSchema);
const composeRequest = Compile(ComposeRequestSchema);
const sourceMember = Compile(Type.Object({ source: Source }));

export function parseTrainRequest(value: unknown, version: V2Version): ParseResult<ParsedTrainRequest> {
  const known = V2_FEATURES[version].hasModelNames ? value : withoutModelName(value);
  if (!trainRequest.Check(known)) return refusal('1002', trainRequest, known);
  return {
    ok: true,
    value: {
      source: known.source,
      sourceFilter: {
        prefix: known.sourceFilter?.prefix ?? '',
        includeSubFolders: known.sourceFilter?.includeSubFolders ?? false,
      },
      useLabelFile: known.useLabelFile ?? false,
      modelName: known.modelName ?? undefined,
    },
  };
}

export function parseCopyRequest(value: unknown): ParseResult<ParsedCopyRequest> {
  if (!copyRequest.Check(value)) return refusal('1002', copyRequest, value);
  const targetResourceId = parseResourceId(value.targetResourceId);
  if (targetResourceId === undefined) {
    return {
      ok: false,
      code: '1002',
      message:
        'targetResourceId must be /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.CognitiveServices/accounts/{name}.',
    };
  }
  const targetResourceRegion = parseRegion(value.targetResourceRegion);
  if (targetResourceRegion === undefined) {
    return { ok: false, code: '1002', message: 'targetResourceRegion must be 1 to 24 letters and digits.' };
  }
  const modelId = parseModelId(value.copyAuthorization.modelId);
  if (modelId === undefined) {
    return { ok: false, code: '1002', message: 'copyAuthorization.modelId must be a GUID.' };
  }
  const { accessToken, expirationDateTimeTicks } = value.copyAuthorization;
  return {
    ok: true,
    value: {
      targetResourceId,
      targetResourceRegion,
      copyAuthorization: { modelId, accessToken, expirationDateTimeTicks },
    },
  };
}

/** The service answers too few models with 1001 and these words (recorded). */
export function parseComposeRequest(value: unknown): ParseResult<ParsedComposeRequest> {
  if (isObject(value) && (value.modelIds === undefined || value.modelIds === null)) return tooFewModels();
  if (!composeRequest.Check(value)) return refusal('1002', composeRequest, value);
  const modelIds = new Set<ModelId>();
  for (const [index, text] of value.modelIds.entries()) {
    const modelId = parseModelId(text);
    if (modelId === undefined) return { ok: false, code: '1002', message: `modelIds[${index}] must be a GUID.` };
    modelIds.add(modelId);
  }
  if (modelIds.size < 2) return tooFewModels();
  if (modelIds.size > V2_LIMITS.composedModels) {
    return { ok: false, code: '1002', message: `modelIds must not have more than ${V2_LIMITS.composedModels} models.` };
  }
  return { ok: true, value: { modelIds: [...modelIds], modelName: value.modelName ?? undefined } };
}

/** Takes `{"source": …}` and `{"url": …}`; `source` wins where both are there. */
export function parseSourcePath(value: unknown): ParseResult<ParsedSourcePath> {
  const known = isObject(value) && value.source === undefined && 'url' in value ? { source: value.url } : value;
  if (!sourceMember.Check(known)) return refusal('BadArgument', sourceMember, known);
  return { ok: true, value: { source: known.source } };
}

function tooFewModels(): ParseResult<never> {
  return {
    ok: false,
    code: '1001',
    message: "Parameter 'ModelIds' is either null or has less than two unique models.",
  };
}

function withoutModelName(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { modelName: _, ...rest } = value;
  return rest;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Says where by path and what by rule: `sourceFilter.prefix must not have more than 1024 characters`. */
function refusal(code: ErrorCode, check: Validator<Record<never, never>, TSchema>, value: unknown): ParseResult<never> {
  // Of an alternative such as "string or null" the last error is the alternative's own; the first says what to do.
  const error = check.Errors(value)[0];
  if (error === undefined) return { ok: false, code, message: 'The body is not valid.' };
  const where = error.instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
  if (error.keyword === 'required') {
    const missing = error.params.requiredProperties.map((name) => (where === '' ? name : `${where}.${name}`));
    return { ok: false, code, message: `${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} required.` };
  }
  const rule = error.keyword === 'type' ? `must be of type ${error.params.type}` : error.message;
  return { ok: false, code, message: `${where === '' ? 'The body' : where} ${rule}.` };
}
