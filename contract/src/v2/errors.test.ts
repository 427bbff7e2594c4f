import { describe, expect, it } from 'vitest';
import {
  copyErrorInformation,
  errorBody,
  errorCodeHeader,
  errorHeaders,
  HTTP_ERRORS,
  isErrorCode,
  messageOf,
  parseErrorCode,
  resultErrorInformation,
  ServiceError,
  statusOf,
  tooManyRequests,
  UNAUTHORIZED_BODY,
  wwwAuthenticate,
} from './errors.ts';

describe('the error table', () => {
  it.each([
    ['1000', 400],
    ['1001', 400],
    ['1002', 400],
    ['1014', 429],
    ['1022', 404],
    ['1999', 500],
    ['Timeout', 408],
    ['InvalidImage', 400],
    ['BadArgument', 400],
    ['InvalidImageURL', 400],
    ['FailedToDownloadImage', 400],
    ['NotSupportedLanguage', 400],
    ['UnsupportedLocale', 400],
    ['401', 401],
    ['404', 404],
    ['429', 429],
    ['RequestBodyTooLarge', 413],
    ['UnsupportedMediaType', 415],
    ['InternalServerError', 500],
    ['NotSupported', 501],
  ] as const)('answers %s with %i', (code, status) => {
    expect(statusOf(code)).toBe(status);
    expect(new ServiceError(code).status).toBe(status);
  });

  it('says what the service says about a model that is not there', () => {
    expect(messageOf('1022', { modelId: 'xx' })).toBe("Model with 'id=xx' not found.");
    expect(messageOf('1001', { modelId: 'xx' })).toBe('Specified model not found or not ready, Model Id: xx');
  });

  it('fills in values as they are, special patterns of replacement included', () => {
    expect(messageOf('1022', { modelId: '$&' })).toBe("Model with 'id=$&' not found.");
  });

  it('knows its own codes and nothing that objects merely inherit', () => {
    expect(Object.keys(HTTP_ERRORS).every(isErrorCode)).toBe(true);
    expect(isErrorCode('2024')).toBe(true);
    expect(isErrorCode('toString')).toBe(false);
    expect(isErrorCode('ModelNotFound')).toBe(false);
  });
});

describe('ServiceError', () => {
  it('becomes the body of the wire', () => {
    const error = new ServiceError('1022', { values: { modelId: 'm' } });
    expect(errorBody(error)).toEqual({ error: { code: '1022', message: "Model with 'id=m' not found." } });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('ServiceError');
  });

  it('carries a request id as innerError', () => {
    const error = new ServiceError('InvalidImage', { message: 'm', requestId: 'r' });
    expect(errorBody(error)).toEqual({ error: { code: 'InvalidImage', message: 'm', innerError: { requestId: 'r' } } });
  });

  it('keeps its cause out of the body', () => {
    const error = new ServiceError('InternalServerError', { cause: new Error('/var/lib/secret') });
    expect(error.cause).toBeInstanceOf(Error);
    expect(JSON.stringify(errorBody(error))).not.toContain('secret');
  });

  it('takes the codes and status of other servers', () => {
    const error = new ServiceError(parseErrorCode('Conflict'), { status: 409 });
    expect(error).toMatchObject({ code: 'Conflict', status: 409, message: 'Conflict' });
  });
});

describe('the gateway', () => {
  it('answers a wrong key byte for byte', () => {
    expect(UNAUTHORIZED_BODY).toBe(
      '{"error":{"code":"401","message": "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}',
    );
    expect(JSON.parse(UNAUTHORIZED_BODY)).toEqual(errorBody(new ServiceError('401')));
    expect(errorHeaders(new ServiceError('401'), 'http://127.0.0.1:8710/')).toEqual({
      'WWW-Authenticate':
        'AzureApiManagementKey realm="http://127.0.0.1:8710/formrecognizer",name="Ocp-Apim-Subscription-Key",type="header"',
    });
  });

  it('does not let a Host header break out of the quotes', () => {
    expect(wwwAuthenticate('http://a"b\r\nSet-Cookie: c')).toBe(
      'AzureApiManagementKey realm="http://abSet-Cookie:c/formrecognizer",name="Ocp-Apim-Subscription-Key",type="header"',
    );
  });

  it('throttles with the time to wait in header and words', () => {
    const operation = 'Custom Form Model Management - Copy Custom Model Operation';
    const error = tooManyRequests({ operation, version: 'v2.1', retryAfterSeconds: 30 });
    expect(error.status).toBe(429);
    expect(error.message).toBe(
      'Requests to the Custom Form Model Management - Copy Custom Model Operation under Form Recognizer API (v2.1) have exceeded rate limit of your current FormRecognizer S0 pricing tier. Please retry after 30 seconds.',
    );
    expect(errorHeaders(error, 'http://a')).toEqual({ 'Retry-After': '30', 'policy-id': 'ResourceRateLimitBy60s' });
  });

  it('always sends Retry-After with a 429, and in whole seconds', () => {
    expect(errorHeaders(new ServiceError('429'), 'http://a')).toMatchObject({ 'Retry-After': '1' });
    expect(errorHeaders(new ServiceError('ServiceUnavailable', { retryAfterSeconds: 0.2 }), 'http://a')).toEqual({
      'Retry-After': '1',
    });
  });
});

describe('errors in results', () => {
  const target = { targetResourceId: '/subscriptions/s', targetResourceRegion: 'eastus', requestId: 'r' };

  it('name what failed a copy in v2.0-preview', () => {
    expect(copyErrorInformation('v2.0-preview', 'targetNotFound', target)).toEqual({
      code: 'ResourceResolverError',
      message:
        "Could not fetch information for Cognitive resource with Id '/subscriptions/s'. Ensure the resource is valid and exists in the specified region 'eastus'..",
    });
    expect(copyErrorInformation('v2.0-preview', 'authorizationInvalid', target).code).toBe('AuthorizationError');
  });

  it.each(['v2.0', 'v2.1'] as const)('number it in %s, with the request id', (version) => {
    expect(copyErrorInformation(version, 'authorizationNotFound', target)).toEqual({
      code: '2024',
      message:
        'Could not retrieve authorization metadata. If this issue persists use a different target model to copy into.',
      innerError: { requestId: 'r' },
    });
  });

  it('repeat their code in the header of their year', () => {
    expect(errorCodeHeader('v2.0-preview', '2014')).toEqual({ 'x-ms-cs-error-code': '2014' });
    expect(errorCodeHeader('v2.1', '2014')).toEqual({ 'ms-azure-ai-errorcode': '2014' });
  });

  it('have the words of the table unless better ones are given', () => {
    expect(resultErrorInformation('2005')).toEqual({ code: '2005', message: 'Unable to read file.' });
    expect(resultErrorInformation('2005', 'm').message).toBe('m');
  });
});
