import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome, Step } from './report.ts';
import { muslSees, resultOf, stepOutcome } from './verdict.ts';

/** `found:a` is the name with the search domain a, `found` the name as it stands. */
const stepsOf = (text: string): Step[] =>
  text.split(' ').map((word) => {
    const [outcome, suffix] = word.split(':') as [Outcome, string | undefined];
    return {
      name: suffix === undefined ? 'web' : `web.${suffix}`,
      ...(suffix !== undefined && { suffix }),
      outcome,
      questions: [],
    };
  });

test('what glibc gives its program', () => {
  const table: [string, Outcome][] = [
    ['found:a', 'found'],
    ['no-name:a found:b', 'found'],
    ['no-name:a no-name:b no-name', 'no-name'],
    ['no-name:a no-record:b no-name', 'no-record'],
    ['failed:a no-record:b no-name', 'no-record'],
    ['failed:a no-name:b no-name', 'failed'],
    ['no-name:a no-name:b failed', 'failed'],
    ['silent:a silent', 'silent'],
    ['no-name no-record:a', 'no-name'],
    ['no-record no-name:a', 'no-record'],
    ['failed no-name:a', 'failed'],
    ['no-name', 'no-name'],
  ];
  for (const [steps, outcome] of table) assert.equal(resultOf(stepsOf(steps)).outcome, outcome, steps);
});

test('records of any type are enough for a name', () => {
  const table: [Outcome[], Outcome][] = [
    [['found', 'no-record'], 'found'],
    [['failed', 'found'], 'found'],
    [['no-record', 'failed'], 'failed'],
    [['no-record', 'no-record'], 'no-record'],
    [['no-name', 'no-name'], 'no-name'],
  ];
  for (const [outcomes, outcome] of table) assert.equal(stepOutcome(outcomes), outcome);
});

test('where musl goes another way, it is said', () => {
  const config = { nameservers: [], searches: ['a', 'b'], options: ['ndots:5'] };
  const table: [string, string, string | undefined][] = [
    ['web', 'no-name:a found:b', undefined],
    ['web', 'no-name:a no-name:b no-name', undefined],
    [
      'web',
      'no-record:a found:b',
      'musl (Alpine) ends its search at web.a: the name is there without records of the type',
    ],
    ['web', 'failed:a found:b', 'musl (Alpine) ends its search at web.a: a failure'],
    ['web', 'no-record:a no-name:b no-name', undefined],
    [
      'a.b.c.d.e.f',
      'no-name found:a',
      'musl (Alpine) does not use the search list for a name of so many dots: it ends with web, no such name',
    ],
    ['web.', 'found', undefined],
  ];
  for (const [name, text, sentence] of table) {
    const steps = stepsOf(text);
    assert.equal(muslSees(name, config, steps, resultOf(steps)), sentence, `${name} ${text}`);
  }
});
