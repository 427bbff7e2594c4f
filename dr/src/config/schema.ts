import { v2 } from '@formhaven/contract';
import { type Static, Type } from 'typebox';
import { DURATION_PATTERN } from './duration.ts';

// What `formhaven.yaml` may say. The descriptions are what an editor shows; `dr/formhaven.schema.json` is made of them.

const strict = { additionalProperties: false };
const Duration = (description: string) => Type.String({ pattern: DURATION_PATTERN, description });
const NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';

const SecretSchema = Type.Union(
  [
    Type.Object(
      { env: Type.String({ minLength: 1, description: 'Name of the environment variable that holds it.' }) },
      strict,
    ),
    Type.Object({ file: Type.String({ minLength: 1, description: 'File whose only line it is.' }) }, strict),
  ],
  { description: 'Where the secret is kept. It never stands in this file itself.' },
);

const LimitsSchema = Type.Object(
  {
    parallelCopies: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 256, description: 'Copies under way at once, from or to this region.' }),
    ),
    readsPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'GET requests a second.' })),
    listsPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Pages of the list a second.' })),
    writesPerSecond: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, description: 'Authorizations, copies and deletes a second.' }),
    ),
    analysesPerSecond: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Canary analyses a second.' })),
  },
  {
    ...strict,
    description: 'What this region is asked for at most. The defaults of kind azure are the documented ones.',
  },
);

const RegionSchema = Type.Object(
  {
    endpoint: Type.String({ pattern: '^https?://', description: 'Scheme and host of the resource.' }),
    resourceId: Type.String({
      maxLength: v2.V2_LIMITS.resourceIdLength,
      description: '/subscriptions/…/resourceGroups/…/providers/Microsoft.CognitiveServices/accounts/NAME',
    }),
    region: Type.Optional(
      Type.String({ description: 'Name of the region where the resource lies. Default: the name of this entry.' }),
    ),
    apiVersion: Type.Optional(Type.Enum([...v2.V2_VERSIONS], { description: 'Default: v2.1.' })),
    kind: Type.Optional(
      Type.Enum(['formhaven', 'azure'], {
        description: 'Who answers. Formhaven regions also offer digests, proofs and a change feed. Default: formhaven.',
      }),
    ),
    key: SecretSchema,
    limits: Type.Optional(LimitsSchema),
  },
  strict,
);

const FilterSchema = Type.Object(
  {
    names: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), { description: 'Globs over model names; any of them matches.' }),
    ),
    exceptNames: Type.Optional(Type.Array(Type.String({ minLength: 1 }), { description: 'Globs that exclude.' })),
    ids: Type.Optional(Type.Array(Type.String(), { description: 'Ids of models; any of them matches.' })),
    tags: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Tags; models have them from API version 2022-08-31 on.',
      }),
    ),
    status: Type.Optional(
      Type.Enum(['ready'], { description: 'Only models that are ready can be copied. Default: ready.' }),
    ),
  },
  { ...strict, description: 'Which models. Default: all of the source.' },
);

const DeletesSchema = Type.Union(
  [
    Type.Literal('never'),
    Type.Object(
      {
        afterGrace: Duration('How long a copy is kept after its source was deleted, such as 7d.'),
        guard: Type.Optional(
          Type.String({
            pattern: '^(100|[0-9]{1,2})%$',
            description: 'If more than this share of the models vanishes at once, none is deleted. Default: 10%.',
          }),
        ),
      },
      strict,
    ),
  ],
  { description: 'What becomes of a copy whose source was deleted. Default: never.' },
);

const PolicySchema = Type.Object(
  {
    from: Type.String({ description: 'Name of the source region.' }),
    to: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], {
      description: 'Name of the target region, or several.',
    }),
    models: Type.Optional(FilterSchema),
    rpo: Duration('Recovery point objective: how far the copies may be behind, such as 5m.'),
    rto: Type.Optional(Duration('Recovery time objective, for the drill’s report.')),
    deletes: Type.Optional(DeletesSchema),
    canaries: Type.Optional(
      Type.String({
        description:
          'Folder of documents to analyze on both sides: directly in it for every model, in a folder named after a model for that one. Between Formhaven regions the canary set of the model itself is used besides.',
      }),
    ),
    proveEvery: Type.Optional(Duration('How old a proof may become before it is made again. Default: 24h.')),
    aliases: Type.Optional(
      Type.Enum(['byName', 'none'], {
        description:
          'byName: each model name is an alias that moves to a newer model once that is copied and proven. Default: none.',
      }),
    ),
  },
  strict,
);

export const ConfigSchema = Type.Object(
  {
    version: Type.Literal(1, { description: 'Of this file’s format.' }),
    data: Type.Optional(
      Type.String({ description: 'Folder of aliases, records, proofs and the audit log. Default: formhaven-dr.' }),
    ),
    pollEvery: Type.Optional(
      Duration('How often regions without a change feed are looked at by replicate --watch. Default: 15s.'),
    ),
    regions: Type.Record(Type.String({ pattern: NAME }), RegionSchema, { minProperties: 1 }),
    policies: Type.Record(Type.String({ pattern: NAME }), PolicySchema, { minProperties: 1 }),
    webhook: Type.Optional(SecretSchema),
  },
  { ...strict, title: 'formhaven.yaml', description: 'Which models are protected, where, and how well.' },
);
export type ConfigFile = Static<typeof ConfigSchema>;
export type RegionEntry = Static<typeof RegionSchema>;
export type PolicyEntry = Static<typeof PolicySchema>;

/** The JSON Schema for editors. */
export function editorSchema(): unknown {
  return JSON.parse(JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...ConfigSchema }));
}
