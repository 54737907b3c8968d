import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isStatusError } from '../../status-error.ts';
import { decodeProtobuf } from './decode.ts';

/** What kubectl 1.32 sent, by the command that made it send it. */
const recorded = {
  'create ns demo': 'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhwKFAoEZGVtbxIAGgAiACoAMgA4AEIAEgAaAgoAGgAiAA==',
  'create configmap c2 --from-file=bin --from-literal=x=y':
    'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEjkKEgoCYzISABoAIgAqADIAOABCABIGCgF4EgF5GhsKA2JpbhIUyh+lW1rgGU7yKqjCJAKT1voE/BoaACIA',
  'create svc nodeport b --tcp=80 --node-port=30123':
    'azhzAAoNCgJ2MRIHU2VydmljZRJeChsKAWISABoAIgAqADIAOABCAFoICgNhcHASAWISOwoXCgI4MBIDVENQGFAiBggAEFAaACir6wESCAoDYXBwEgFiGgAiCE5vZGVQb3J0OgBCAFIAWgBgAGgAGgIKABoAIgA=',
  'create deployment web --image=nginx --replicas=0 --port=80':
    'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErgBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEoYBCAASDAoKCgNhcHASA3dlYhpsChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkwSLgoFbmdpbngSBW5naW54KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=',
} as const;

const bytesOf = (command: keyof typeof recorded) => Buffer.from(recorded[command], 'base64');
const decoded = (command: keyof typeof recorded) => JSON.parse(decodeProtobuf(bytesOf(command))!);

describe('decodeProtobuf', () => {
  test('reads what kubectl sends', () => {
    assert.deepEqual(decoded('create ns demo'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'demo' } });
    const configMap = decoded('create configmap c2 --from-file=bin --from-literal=x=y');
    assert.deepEqual(configMap.data, { x: 'y' });
    assert.equal(Buffer.from(configMap.binaryData.bin, 'base64').length, 20);
    assert.deepEqual(decoded('create svc nodeport b --tcp=80 --node-port=30123').spec, {
      type: 'NodePort',
      selector: { app: 'b' },
      ports: [{ name: '80', protocol: 'TCP', port: 80, targetPort: 80, nodePort: 30_123 }],
    });
  });

  test('keeps a zero where it means something, and leaves it out where it does not', () => {
    const { metadata, spec } = decoded('create deployment web --image=nginx --replicas=0 --port=80');
    assert.deepEqual(metadata, { name: 'web', labels: { app: 'web' } });
    assert.deepEqual(spec, {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] },
      },
    });
  });

  test('reads who owns which field, which comes back with an object that was read', () => {
    const field = (number: number, value: string | Buffer) =>
      Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), Buffer.from(value)]);
    const fields = field(7, field(1, '{"f:spec":{}}'));
    const entry = Buffer.concat([field(1, 'me'), field(2, 'Update'), field(4, Buffer.from('0801', 'hex')), fields]);
    // Field number 17 takes two bytes.
    const metadata = Buffer.concat([field(1, 'a'), Buffer.from([0x8a, 0x01, entry.length]), entry]);
    const type = field(1, Buffer.concat([field(1, 'v1'), field(2, 'Namespace')]));
    const object = JSON.parse(
      decodeProtobuf(Buffer.concat([Buffer.from('k8s\0'), type, field(2, field(1, metadata))]))!,
    );
    assert.deepEqual(object.metadata, {
      name: 'a',
      managedFields: [{ manager: 'me', operation: 'Update', time: '1970-01-01T00:00:01Z', fieldsV1: { 'f:spec': {} } }],
    });
  });

  test('leaves other kinds to somebody else', () => {
    const bytes = bytesOf('create ns demo');
    bytes.write('Namespacy', bytes.indexOf('Namespace'));
    assert.equal(decodeProtobuf(bytes), undefined);
  });

  test('refuses a field that it would have to leave out', () => {
    // Namespace with a field 9 (tag 0x4a) of length 0 in it.
    const type = Buffer.from('0a0f0a0276311209', 'hex');
    const bytes = Buffer.concat([Buffer.from('k8s\0'), type, Buffer.from('Namespace'), Buffer.from('12024a00', 'hex')]);
    assert.throws(() => decodeProtobuf(bytes), /field number 9 is not known here, send JSON/);
  });

  test('property: any bytes read as something or are refused with a Status', () => {
    const cut = fc.record({
      command: fc.constantFrom(...(Object.keys(recorded) as (keyof typeof recorded)[])),
      at: fc.nat(400),
      byte: fc.nat(255),
      length: fc.nat(400),
    });
    fc.assert(
      fc.property(cut, ({ command, at, byte, length }) => {
        const bytes = bytesOf(command).subarray(0, length);
        if (at < bytes.length) bytes[at] = byte;
        try {
          decodeProtobuf(bytes);
        } catch (error) {
          assert(isStatusError(error) && error.status.code === 400, String(error));
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
