import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatLabelSelector,
  type LabelRequirement,
  matchesLabels,
  matchesSelector,
  parseLabelSelector,
  requirementsOf,
} from './label-selector.ts';

const labels = { app: 'web', tier: 'front', size: '10', empty: '' };

const matches: [string, boolean][] = [
  ['', true],
  ['app=web', true],
  ['app==web', true],
  [' app = web , tier=front ', true],
  ['app=db', false],
  ['app!=db', true],
  ['absent!=db', true],
  ['app!=web', false],
  ['app in (web,db)', true],
  ['app in(web)', true],
  ['app in (db)', false],
  ['absent in (db)', false],
  ['app notin (db)', true],
  ['absent notin (db)', true],
  ['app notin (web)', false],
  ['app', true],
  ['absent', false],
  ['!absent', true],
  ['!app', false],
  ['empty=', true],
  ['app=', false],
  ['empty in (,x)', true],
  ['size>9', true],
  ['size>10', false],
  ['size<11', true],
  ['app>1', false],
  ['absent<1', false],
  ['app=web,tier!=back,!absent,size', true],
  ['app=web,tier=back', false],
];
for (const [selector, expected] of matches) {
  test(`${JSON.stringify(selector)} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matchesLabels(parseLabelSelector(selector), labels), expected);
  });
}

const malformed: [string, string][] = [
  ['a=b=c', "found '=', expected: ',' or 'end of string'"],
  ['a,', "found '', expected: identifier after ','"],
  ['a in b', "found 'b', expected: '('"],
  ['a in (b', "found '', expected: ',' or ')'"],
  ['=b', "found '=', expected: identifier"],
  ['a b', "found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a>b', `values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`],
  ['-a=b', 'key: Invalid value: "-a": name part must consist of alphanumeric characters'],
  ['a=-b', 'values[0][a]: Invalid value: "-b": a valid label must be an empty string or consist of'],
];
for (const [selector, state] of malformed) {
  test(`${JSON.stringify(selector)} is refused`, () => {
    assert.throws(
      () => parseLabelSelector(selector),
      (error: { code: string; detail: string }) => {
        assert.equal(error.code, 'malformed');
        assert.ok(error.detail.startsWith(`unable to parse requirement: ${state}`), error.detail);
        return true;
      },
    );
  });
}

test('a LabelSelector object asks for all it names; empty it matches all, absent nothing', () => {
  const selector = {
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In' as const, values: ['front', 'back'] },
      { key: 'absent', operator: 'DoesNotExist' as const },
    ],
  };
  assert.ok(matchesSelector(selector, labels));
  assert.equal(matchesSelector(selector, { ...labels, absent: 'x' }), false);
  assert.equal(formatLabelSelector(requirementsOf(selector)), '!absent,app=web,tier in (back,front)');
  assert.ok(matchesSelector({}, undefined));
  assert.equal(matchesSelector(undefined, labels), false);
});

test('an inherited property is no label', () => {
  assert.equal(matchesLabels(parseLabelSelector('constructor'), {}), false);
});

const word = fc.stringMatching(/^[a-z0-9]([a-z0-9_.-]{0,8}[a-z0-9])?$/);
const requirement: fc.Arbitrary<LabelRequirement> = fc.oneof(
  fc.record({ key: word, operator: fc.constantFrom('=' as const, '!=' as const), values: fc.tuple(word) }),
  fc.record({ key: word, operator: fc.constantFrom('exists' as const, '!' as const), values: fc.constant([]) }),
  fc.record({
    key: word,
    operator: fc.constantFrom('in' as const, 'notin' as const),
    values: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((values) => values.sort()),
  }),
);

test('what is printed reads back the same', () => {
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 5 }), (requirements) => {
      const text = formatLabelSelector(requirements);
      assert.equal(formatLabelSelector(parseLabelSelector(text)), text);
      assert.equal(parseLabelSelector(text).length, requirements.length);
    }),
  );
});

test('no text makes the parser fail in another way than by saying so', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab=!<>(),; \tin') }), (text) => {
      try {
        parseLabelSelector(text);
      } catch (error) {
        assert.equal((error as { code: string }).code, 'malformed');
      }
    }),
  );
});
