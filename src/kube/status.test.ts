import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment, Namespace, Service } from './mod.ts';
import * as status from './status.ts';

const portError = {
  path: 'spec.ports[0].port',
  type: 'FieldValueInvalid',
  message: 'Invalid value: 70000: must be between 1 and 65535, inclusive',
} as const;
const typeError = { path: 'spec.type', type: 'FieldValueRequired', message: 'Required value' } as const;

const cases: [string, status.Status, number, status.StatusReason, string][] = [
  ['not found', status.notFound(Service, 'x'), 404, 'NotFound', 'services "x" not found'],
  ['not found, with a group', status.notFound(Deployment, 'x'), 404, 'NotFound', 'deployments.apps "x" not found'],
  ['no such path', status.noSuchResource(), 404, 'NotFound', 'the server could not find the requested resource'],
  ['already exists', status.alreadyExists(Service, 'x'), 409, 'AlreadyExists', 'services "x" already exists'],
  [
    'stale',
    status.conflict(Deployment, 'x'),
    409,
    'Conflict',
    'Operation cannot be fulfilled on deployments.apps "x": the object has been modified; please apply your changes to the latest version and try again',
  ],
  [
    'one field error',
    status.invalid(Service, 'x', [portError]),
    422,
    'Invalid',
    'Service "x" is invalid: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive',
  ],
  [
    'two field errors, with a group',
    status.invalid(Deployment, 'x', [portError, typeError]),
    422,
    'Invalid',
    'Deployment.apps "x" is invalid: [spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive, spec.type: Required value]',
  ],
  [
    'forbidden without a name',
    status.forbidden(Namespace, '', 'not yours'),
    403,
    'Forbidden',
    'namespaces is forbidden: not yours',
  ],
  [
    'method',
    status.methodNotSupported(Namespace, 'deletecollection'),
    405,
    'MethodNotAllowed',
    'deletecollection is not supported on resources of kind "namespaces"',
  ],
  [
    'not acceptable',
    status.notAcceptable(['application/json']),
    406,
    'NotAcceptable',
    'only the following media types are accepted: application/json',
  ],
  ['expired', status.expired('too old resource version: 1 (5)'), 410, 'Expired', 'too old resource version: 1 (5)'],
  ['too large', status.requestTooLarge(3), 413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3'],
  [
    'media type',
    status.unsupportedMediaType(['a/b']),
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: a/b',
  ],
  ['internal', status.internalError('boom'), 500, 'InternalError', 'Internal error occurred: boom'],
  ['timeout', status.timedOut('slow'), 504, 'Timeout', 'Timeout: slow'],
  ['unauthorized', status.unauthorized(), 401, 'Unauthorized', 'Unauthorized'],
  [
    'strict decoding',
    status.undecodable(
      { kind: 'Service', version: 'v1' },
      'Service',
      'strict decoding error: unknown field "spec.prots", duplicate field "spec.type"',
    ),
    400,
    'BadRequest',
    'Service in version "v1" cannot be handled as a Service: strict decoding error: unknown field "spec.prots", duplicate field "spec.type"',
  ],
];

for (const [name, built, code, reason, message] of cases) {
  test(`a status says it as upstream does: ${name}`, () => {
    assert.deepEqual(
      { code: built.code, reason: built.reason, message: built.message, status: built.status },
      { code, reason, message, status: 'Failure' },
    );
    assert.ok(status.isStatus(JSON.parse(JSON.stringify(built))));
  });
}

test('an invalid object lists each field as a cause, by kind and group', () => {
  assert.deepEqual(status.invalid(Deployment, 'x', [portError]).details, {
    name: 'x',
    group: 'apps',
    kind: 'Deployment',
    causes: [
      {
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 70000: must be between 1 and 65535, inclusive',
        field: 'spec.ports[0].port',
      },
    ],
  });
});

test('the same field error twice is said once', () => {
  assert.equal(
    status.invalid(Service, 'x', [typeError, typeError]).message,
    'Service "x" is invalid: spec.type: Required value',
  );
});

test('an object is no status', () => {
  assert.equal(status.isStatus({ kind: 'Service' }), false);
  assert.equal(status.isStatus(null), false);
});
