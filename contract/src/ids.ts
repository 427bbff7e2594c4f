// Names that travel on the wire. Each is a branded string that only its parser makes, so that inside nobody checks again.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** GUID, lower case, as v2 of the service makes them; v3 lets the caller choose. */
export type ModelId = Branded<'ModelId'>;
/** GUID, lower case. */
export type OperationId = Branded<'OperationId'>;
/** `westus2`: lower-case letters and digits, 1 to 24. */
export type Region = Branded<'Region'>;
/** `/subscriptions/…/resourceGroups/…/providers/Microsoft.CognitiveServices/accounts/NAME`. */
export type ResourceId = Branded<'ResourceId'>;
/** SHA-256 in lower-case hexadecimal. */
export type Sha256 = Branded<'Sha256'>;

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const REGION = /^[a-z0-9]{1,24}$/;
// The swagger's pattern for CopyRequest.targetResourceId, maximum length 1024.
const RESOURCE_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.CognitiveServices\/accounts\/[^/]+$/i;
const SHA256 = /^[0-9a-f]{64}$/;

/** Undefined where the text is no model id. */
export function parseModelId(text: string): ModelId | undefined {
  return GUID.test(text) ? (text.toLowerCase() as ModelId) : undefined;
}

/** Undefined where the text is no operation id. */
export function parseOperationId(text: string): OperationId | undefined {
  return GUID.test(text) ? (text.toLowerCase() as OperationId) : undefined;
}

/** Undefined where the text is no region. The service takes regions without regard to case since August 2020. */
export function parseRegion(text: string): Region | undefined {
  const region = text.toLowerCase();
  return REGION.test(region) ? (region as Region) : undefined;
}

/** Undefined where the text is no resource id. */
export function parseResourceId(text: string): ResourceId | undefined {
  return text.length <= 1024 && RESOURCE_ID.test(text) ? (text as ResourceId) : undefined;
}

/** Azure compares resource ids without regard to case. */
export function isSameResource(a: ResourceId, b: ResourceId): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Undefined where the text is no SHA-256 in hexadecimal. */
export function parseSha256(text: string): Sha256 | undefined {
  return SHA256.test(text) ? (text as Sha256) : undefined;
}
