import { systemClock } from '../../base/clock.ts';
import { FakeRuntime } from './fake.ts';
import { runtimeSuite } from './runtime.suite.ts';

runtimeSuite(
  'Fake runtime',
  async () => {
    const runtime = new FakeRuntime(systemClock);
    const exec = (command: readonly string[]) => {
      if (command[0] === 'hang') return new Promise<never>(() => {});
      return command[0] === 'hello' ? { exitCode: 0, output: 'hello\n' } : { exitCode: 3, output: '' };
    };
    runtime.programs.set('run', { exec });
    runtime.programs.set('stubborn', { onTerminate: () => {} });
    runtime.programs.set('exit', { onStart: ({ exit }) => exit(7) });
    runtime.programs.set('missing', { startError: 'no such program' });
    return runtime;
  },
  {
    runs: ['run'],
    stubborn: ['stubborn'],
    exitsWith7: ['exit'],
    missing: ['missing'],
    answersHello: ['hello'],
    failsWith3: ['fail'],
    hangs: ['hang'],
  },
);
