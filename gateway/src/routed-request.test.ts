import { expect, test } from 'vitest';
import { routeRequest } from './routed-request.ts';

const ID = '11111111-1111-4111-8111-111111111111';
const RESULT = '22222222-2222-4222-8222-222222222222';

test.each([
  ['POST', `/formrecognizer/v2.1/custom/models/${ID}/analyze?includeTextDetails=true`, 'analyze'],
  ['POST', '/formrecognizer/v2.0/LAYOUT/Analyze', 'analyze'],
  ['POST', '/formrecognizer/v2.1/prebuilt/invoice/analyze', 'analyze'],
  ['GET', `/formrecognizer/v2.1/custom/models/${ID}/analyzeResults/${RESULT}`, 'poll'],
  ['GET', `/formrecognizer/v2.1/custom/models/${ID}/copyresults/${RESULT}`, 'poll'],
  ['GET', `/formrecognizer/v2.0-preview/layout/analyzeResults/${RESULT}`, 'poll'],
  ['GET', '/formrecognizer/v2.1/custom/models', 'listModels'],
  ['GET', '/formrecognizer/v2.1/custom/models?op=summary', 'summary'],
  ['GET', `/formrecognizer/v2.1/custom/models/${ID}?includeKeys=true`, 'getModel'],
  ['DELETE', `/formrecognizer/v2.1/custom/models/${ID}`, 'delete'],
  ['POST', '/formrecognizer/v2.1/custom/models', 'train'],
  ['POST', '/formrecognizer/v2.1/custom/models/compose', 'compose'],
  ['POST', '/formrecognizer/v2.1/custom/models/copyAuthorization', 'authorizeCopy'],
  ['POST', `/formrecognizer/v2.1/custom/models/${ID}/copy`, 'copy'],
])('%s %s is understood', (method, url, kind) => {
  expect(routeRequest(method, url)?.kind).toBe(kind);
});

test.each([
  ['GET', '/formrecognizer/v1.0/custom/models'],
  ['POST', '/formrecognizer/v2.0/custom/models/compose'],
  ['POST', '/formrecognizer/v2.0/prebuilt/invoice/analyze'],
  ['PUT', '/formrecognizer/v2.1/custom/models'],
  ['GET', '/formrecognizer/v2.1/layout/analyzeResults/nobody'],
  ['POST', '/formrecognizer/v2.1/custom/models/%/analyze'],
  ['GET', '/formrecognizer/v2.1/../../metrics'],
])('%s %s goes nowhere', (method, url) => {
  expect(routeRequest(method, url)).toBeUndefined();
});
