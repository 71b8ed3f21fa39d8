import { createRequire } from 'node:module';

/**
 * Node's own modules that a server needs. To be imported before engine.ts: Node brings them compiled, but for the
 * engine's usual settings only, so that later each of them would be compiled anew.
 */
const names = ['assert', 'child_process', 'crypto', 'net', 'string_decoder', 'tls', 'vm', 'worker_threads'];

const load = createRequire(import.meta.url);
for (const name of names) load(`node:${name}`);
