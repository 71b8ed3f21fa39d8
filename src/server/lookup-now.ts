import { Worker } from 'node:worker_threads';

/** How long a name may take, in ms. */
const patience = 5000;

/** An address's text and its length: longer than any. */
const textAt = 8;
const textBytes = 64;

const code = `
  const { workerData: { host, memory } } = require('node:worker_threads');
  const state = new Int32Array(memory, 0, 2);
  require('node:dns').lookup(host, (error, address) => {
    state[1] = Buffer.from(memory, ${textAt}).write(address ?? '', 'latin1');
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  });
`;

/**
 * The IP address of a host name, by the machine's own rules. Undefined if it has none, or if that takes longer than
 * five seconds. The calling thread waits: for CONFIG SET, which has to know at once.
 */
export function lookupNow(host: string): string | undefined {
  if (host === '') return undefined;
  const memory = new SharedArrayBuffer(textAt + textBytes);
  const state = new Int32Array(memory, 0, 2);
  const thread = new Worker(code, { eval: true, workerData: { host, memory }, execArgv: [], stdin: false });
  thread.unref();
  thread.on('error', () => {}); // what it has to say is in the memory
  Atomics.wait(state, 0, 0, patience);
  void thread.terminate();
  const length = state[1];
  return length === 0 ? undefined : Buffer.from(memory, textAt, length).toString('latin1');
}
