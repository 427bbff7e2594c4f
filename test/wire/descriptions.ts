import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { v2 } from '@formhaven/contract';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';

// The published descriptions as validators. They are read strictly: a member that a description does not name is an error too.

/** `POST /custom/models/{modelId}/copy`. */
export type OperationName = `${string} /${string}`;

interface Description {
  readonly paths: Paths;
  readonly 'x-ms-paths': Paths;
  readonly definitions: Readonly<Record<string, unknown>>;
}

type Paths = Readonly<
  Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, Answer>> }>>>
>;

interface Answer {
  readonly schema?: { readonly $ref: string };
  readonly headers?: Readonly<Record<string, unknown>>;
}

const DESCRIPTIONS = new Map(v2.V2_VERSIONS.map((version) => [version, read(version)]));

/** Every operation a version has, in the order of its description. */
export function operationsOf(version: v2.V2Version): readonly OperationName[] {
  return Object.keys(answersOf(version)) as OperationName[];
}

/** Every operation that some version has. */
export const OPERATION_NAMES: readonly OperationName[] = [
  ...new Set([...operationsOf('v2.1'), ...v2.V2_VERSIONS.flatMap(operationsOf)]),
];

export interface Deviation {
  /** Where in the body, numbers of arrays left out: `/trainResult/trainingDocuments`. */
  readonly at: string;
  /** `lacks errors`, `has innerError`, `must be string`. */
  readonly what: string;
}

/** What an answer has that its description does not allow. Empty: it conforms. */
export function deviations(
  version: v2.V2Version,
  operation: OperationName,
  answer: { readonly status: number; readonly headers: Headers; readonly text: string },
): readonly Deviation[] {
  const described = answersOf(version)[operation];
  if (described === undefined) return [{ at: '', what: `is no operation of ${version}` }];
  const expected = described[String(answer.status)] ?? (answer.status >= 400 ? described.default : undefined);
  if (expected === undefined) return [{ at: '', what: `has the status ${answer.status}` }];
  const missing = Object.keys(expected.headers ?? {})
    .filter((name) => !answer.headers.has(name))
    .map((name) => ({ at: '', what: `lacks the header ${name}` }));
  if (expected.schema === undefined) return answer.text === '' ? missing : [...missing, { at: '', what: 'has a body' }];
  const validate = validatorOf(version, expected.schema.$ref);
  validate(JSON.parse(answer.text));
  return [...missing, ...(validate.errors ?? []).map(deviation)];
}

function deviation(error: ErrorObject): Deviation {
  const at = error.instancePath.replaceAll(/\/\d+(?=\/|$)/g, '');
  if (error.keyword === 'required') return { at, what: `lacks ${String(error.params.missingProperty)}` };
  if (error.keyword === 'additionalProperties') return { at, what: `has ${String(error.params.additionalProperty)}` };
  return { at, what: error.message ?? error.keyword };
}

function answersOf(version: v2.V2Version): Readonly<Record<string, Readonly<Record<string, Answer>>>> {
  const description = describedBy(version);
  return Object.fromEntries(
    [description.paths, description['x-ms-paths']].flatMap((paths) =>
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { responses }]) => [`${method.toUpperCase()} ${path}`, responses]),
      ),
    ),
  );
}

const validators = new Map<string, ValidateFunction>();
const ajv = new Ajv({ strict: false, allErrors: true });
formats.default(ajv, ['date-time', 'date', 'uuid', 'uri', 'int32', 'int64', 'float', 'double']);
ajv.addFormat('time', true);

function validatorOf(version: v2.V2Version, ref: string): ValidateFunction {
  const key = `${version}${ref}`;
  const known = validators.get(key);
  if (known !== undefined) return known;
  const schema = { $ref: ref, definitions: strictly(describedBy(version).definitions) };
  const made = ajv.compile(schema);
  validators.set(key, made);
  return made;
}

/** Objects take no members but those they name. Bounds that are excluded are told as JSON Schema tells them since draft 6. */
function strictly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(strictly);
  if (typeof value !== 'object' || value === null) return value;
  const inner: Record<string, unknown> = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, strictly(member)]),
  );
  if (inner.exclusiveMinimum === true) {
    inner.exclusiveMinimum = inner.minimum;
    delete inner.minimum;
  }
  const isClosed = typeof inner.properties === 'object' && inner.additionalProperties === undefined;
  return isClosed ? { ...inner, additionalProperties: false } : inner;
}

function describedBy(version: v2.V2Version): Description {
  const description = DESCRIPTIONS.get(version);
  if (description === undefined) throw new TypeError(`nobody has described ${version}`);
  return description;
}

function read(version: v2.V2Version): Description {
  // v2.0-preview is v2.0 by another name.
  const file = `${version === 'v2.0-preview' ? 'v2.0' : version}.json`;
  return JSON.parse(readFileSync(join(import.meta.dirname, 'swagger', file), 'utf8')) as Description;
}
