import { createMemoryStore } from './memory.ts';
import { storeSuite } from './suite.ts';

storeSuite('memory store', async () => createMemoryStore());
