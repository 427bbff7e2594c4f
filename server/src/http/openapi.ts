import { v2 } from '@formhaven/contract';
import type { V2Context } from './v2/context.ts';
import { operationsOf, type V2Operation } from './v2/operations.ts';

// The API as this server serves it, in OpenAPI 3.1, whose schemas are the JSON Schema that requests and answers are made of.

type Schema = object;

interface Described {
  readonly summary: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly request?: Schema;
  readonly answer?: Schema;
  readonly takesDocument?: 'custom' | 'layout';
  readonly location?: 'Location' | 'Operation-Location';
}

const DESCRIBED: Readonly<Record<string, Described>> = {
  TrainCustomModelAsync: {
    summary: 'Train a model',
    status: 201,
    request: v2.TrainRequestSchema,
    location: 'Location',
  },
  GetCustomModels: {
    summary: 'List models, or count them with op=summary',
    status: 200,
    answer: { anyOf: [v2.ModelsListSchema, v2.ModelsSummarySchema] },
  },
  GenerateModelCopyAuthorization: {
    summary: 'Permit one copy into this resource',
    status: 201,
    answer: v2.CopyAuthorizationResultSchema,
    location: 'Location',
  },
  ComposeCustomModelsAsync: {
    summary: 'Compose a model of labelled ones',
    status: 201,
    request: v2.ComposeRequestSchema,
    location: 'Location',
  },
  GetCustomModel: { summary: 'Get a model', status: 200, answer: v2.ModelSchema },
  DeleteCustomModel: { summary: 'Delete a model', status: 204 },
  AnalyzeWithCustomModel: {
    summary: 'Read a document with a model',
    status: 202,
    takesDocument: 'custom',
    location: 'Operation-Location',
  },
  GetAnalyzeFormResult: {
    summary: 'Get what was read with a model',
    status: 200,
    answer: v2.AnalyzeOperationResultSchema,
  },
  CopyCustomModel: {
    summary: 'Copy a model to another resource',
    status: 202,
    request: v2.CopyRequestSchema,
    location: 'Operation-Location',
  },
  GetCustomModelCopyResult: {
    summary: 'Get how a copy went',
    status: 200,
    answer: v2.CopyOperationResultSchema,
  },
  AnalyzeLayoutAsync: {
    summary: 'Read text, tables and marks of a document',
    status: 202,
    takesDocument: 'layout',
    location: 'Operation-Location',
  },
  GetAnalyzeLayoutResult: {
    summary: 'Get the layout that was read',
    status: 200,
    answer: v2.AnalyzeOperationResultSchema,
  },
};

export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query'; readonly schema: Schema }[];
  readonly requestBody?: { readonly required: true; readonly content: Readonly<Record<string, Schema>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Schema }>>;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly security: readonly Schema[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: Schema;
}

export function openApiDocument(): OpenApiDocument {
  const schemas: Record<string, unknown> = {};
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const version of v2.V2_VERSIONS) {
    const context = { version, features: v2.V2_FEATURES[version] };
    for (const operation of operationsOf(context)) {
      const path = v2.basePath(version) + operation.path;
      const described = hoisted(describe(operation, context), schemas) as OpenApiOperation;
      paths[path] = { ...paths[path], [operation.method.toLowerCase()]: described };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Formhaven',
      version: '2',
      description: 'The API of Form Recognizer v2 as this server serves it. Paths are taken in any case.',
    },
    security: [{ key: [] }, { token: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'Ocp-Apim-Subscription-Key' },
        token: { type: 'http', scheme: 'bearer', description: 'Where an issuer is configured.' },
      },
    },
  };
}

function describe(operation: V2Operation, context: Pick<V2Context, 'version' | 'features'>): OpenApiOperation {
  const described = DESCRIBED[operation.operationId];
  if (described === undefined) throw new TypeError(`nobody has described ${operation.operationId}`);
  const { summary, status, request, answer, takesDocument, location } = described;
  const named = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path' as const,
    required: true,
    schema: { type: 'string', format: 'uuid' },
  }));
  const content =
    takesDocument === undefined
      ? request === undefined
        ? undefined
        : json(request)
      : {
          ...Object.fromEntries(context.features.documentContentTypes[takesDocument].map((type) => [type, {}])),
          ...json(v2.SourcePathSchema),
        };
  return {
    operationId: `${context.version}_${operation.operationId}`,
    tags: [context.version],
    summary,
    parameters: [...named, ...queryOf(operation.operationId, context.features)],
    ...(content === undefined ? {} : { requestBody: { required: true, content } }),
    responses: {
      [status]: {
        description: 'Done, or accepted.',
        ...(location === undefined ? {} : { headers: { [location]: { schema: { type: 'string', format: 'uri' } } } }),
        ...(answer === undefined ? {} : { content: json(answer) }),
      },
      default: { description: 'Refused.', content: json(v2.ErrorResponseSchema) },
    },
  };
}

function queryOf(operationId: string, features: v2.V2Features): OpenApiOperation['parameters'] {
  const query = (name: string, schema: Schema) => ({ name, in: 'query' as const, schema });
  const flag = (name: string) => query(name, { type: 'boolean', default: false });
  const pages = query('pages', { type: 'string', examples: ['1-3,5'] });
  switch (operationId) {
    case 'GetCustomModels':
      return [query('op', { enum: ['full', 'summary'], default: 'full' }), query('nextLink', { type: 'string' })];
    case 'GetCustomModel':
      return [flag('includeKeys')];
    case 'AnalyzeWithCustomModel':
      return [flag('includeTextDetails'), ...(features.hasPages.custom ? [pages] : [])];
    case 'AnalyzeLayoutAsync':
      return [
        ...(features.hasPages.layout ? [pages] : []),
        ...(features.hasLanguage ? [query('language', { type: 'string' })] : []),
        ...(features.hasReadingOrder ? [query('readingOrder', { enum: ['basic', 'natural'], default: 'basic' })] : []),
      ];
    default:
      return [];
  }
}

function json(schema: Schema): Readonly<Record<string, Schema>> {
  return { 'application/json': { schema } };
}

/** Schemas that refer to themselves carry their definition along; here it stands once, under `components`. */
function hoisted(value: unknown, schemas: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => hoisted(item, schemas));
  if (typeof value !== 'object' || value === null) return value;
  const { $defs, $ref, $id: _, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof $defs === 'object' && $defs !== null) {
    for (const [name, schema] of Object.entries($defs)) schemas[name] ??= hoisted(schema, schemas);
  }
  const inner = Object.fromEntries(Object.entries(rest).map(([name, member]) => [name, hoisted(member, schemas)]));
  return typeof $ref === 'string' ? { ...inner, $ref: `#/components/schemas/${$ref}` } : inner;
}
