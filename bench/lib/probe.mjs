import { Worker } from 'node:worker_threads';

/**
 * Watches how long a server leaves a client waiting: a connection in a thread of its own sends PING about
 * every millisecond and keeps the longest round trips.
 *
 * @param {number} port
 */
export async function startProbe(port) {
  const worker = new Worker(new URL('./probe-worker.mjs', import.meta.url), { workerData: { port } });
  await once(worker);
  return {
    /** @returns {Promise<{ pings: number, worstMs: number, p999Ms: number }>} */
    async stop() {
      worker.postMessage('stop');
      const result = await once(worker);
      await worker.terminate();
      return result;
    },
  };
}

/**
 * @param {Worker} worker
 * @returns {Promise<any>}
 */
function once(worker) {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
