/**
 * Runs what takes longer than a test may (test/soak): all of it, or what is named. Prints the seed, with which a failure
 * comes again.
 * usage: npm run soak [-- NAME ...] [--seed N] [--rounds N]
 */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { soaks } from '../test/soak/mod.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, rounds: { type: 'string' } },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const unknown = positionals.find((name) => !soaks.some((soak) => soak.name === name));
if (unknown !== undefined || !Number.isInteger(seed) || (rounds !== undefined && !(rounds > 0))) {
  console.error(
    unknown === undefined ? 'error: --seed and --rounds are numbers' : `error: No soak ${JSON.stringify(unknown)}`,
  );
  console.error('usage: npm run soak [-- NAME ...] [--seed N] [--rounds N]\nsoaks:');
  for (const { name, description } of soaks) console.error(`  ${name.padEnd(18)} ${description}`);
  process.exit(2);
}

let failed = false;
for (const soak of soaks.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  console.log(`-- ${soak.name}, seed ${seed}: ${soak.description}`);
  const startedMs = performance.now();
  const progress = (text: string) => console.log(`   ${text}`);
  try {
    const counts = await soak.run({ seed, rounds: rounds ?? soak.rounds, progress });
    console.log(
      `ok   ${soak.name} (${Math.round((performance.now() - startedMs) / 1000)} s) ${JSON.stringify(counts)}`,
    );
  } catch (error) {
    failed = true;
    console.log(`FAIL ${soak.name}, again with --seed ${seed}\n${error instanceof Error ? error.stack : error}`);
  }
}
process.exit(failed ? 1 : 0);
