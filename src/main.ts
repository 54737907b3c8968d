import { flushCompileCache } from 'node:module';
import { main } from './cli/mod.ts';

/**
 * What was compiled is usually written at the end, which a process that is killed does not have; and the one after it would
 * again need the compiler of types, 26 MiB that it never gives back.
 */
setTimeout(flushCompileCache, 10_000).unref();

process.exitCode = await main(process.argv.slice(2));
