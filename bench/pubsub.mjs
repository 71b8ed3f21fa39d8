// Server CPU per delivered message of PUBLISH with many subscribers. See bench/README.md.

import { pipelineAll } from './lib/client.mjs';
import { parseCount, parseCounts, readOptions } from './lib/options.mjs';
import { cpuMicroseconds } from './lib/process-usage.mjs';
import { conclude, formatNumber, markdownTable } from './lib/report.mjs';
import { requirePrograms, splitCommandLine, startServer } from './lib/servers.mjs';
import { median, sleep } from './lib/stats.mjs';
import { Subscriber } from './lib/subscriber.mjs';

/** At most this many times redis-server's CPU time per delivered message. */
const MAX_RATIO = 1.3;

const options = readOptions('Measures the fan-out of PUBLISH.', {
  subscribers: { type: 'string', default: '100', help: 'subscribers of the channel' },
  messages: { type: 'string', default: '2k', help: 'messages that a run publishes' },
  payload: { type: 'string', default: '64', help: 'bytes of a message' },
  publishers: { type: 'string', default: '1,50', help: 'publishers at the same time' },
  pipelines: { type: 'string', default: '1,16', help: 'messages that a publisher sends in one go' },
  rounds: { type: 'string', default: '3', help: 'runs of each case; the median counts' },
});
requirePrograms(splitCommandLine(options.redis)[0]);
const subscriberCount = parseCount(options.subscribers);
const messageCount = parseCount(options.messages);
const payload = 'x'.repeat(parseCount(options.payload));
const rounds = parseCount(options.rounds);

const cases = parseCounts(options.publishers).flatMap((publishers) =>
  parseCounts(options.pipelines).map((pipeline) => ({ publishers, pipeline })),
);
// Both servers run side by side and take turns, so that what else the machine does hits both.
const servers = {
  respite: await startServer({ name: 'Respite', command: options.respite }),
  redis: await startServer({ name: 'redis', command: options.redis }),
};
/** @type {{ publishers: number, pipeline: number, respite: number, redis: number, ratio: number }[]} */
const results = [];
try {
  for (const { publishers, pipeline } of cases) {
    /** @type {{ respite: number[], redis: number[] }} */
    const runs = { respite: [], redis: [] };
    for (let round = 0; round < rounds; round++) {
      runs.redis.push(await perDelivery(servers.redis, publishers, pipeline));
      runs.respite.push(await perDelivery(servers.respite, publishers, pipeline));
    }
    const [respite, redis] = [median(runs.respite), median(runs.redis)];
    results.push({ publishers, pipeline, respite, redis, ratio: respite / redis });
  }
} finally {
  await servers.respite.stop();
  await servers.redis.stop();
}

console.log(`${subscriberCount} subscribers, ${payload.length} B; server CPU in us per delivered message\n`);
const rows = results.map((row) => [
  row.publishers,
  row.pipeline,
  ...[row.respite, row.redis, row.ratio].map(formatNumber),
]);
console.log(markdownTable(['publishers', 'pipeline', 'Respite', 'redis', 'ratio'], rows));
const verdicts = results.map((row) => ({
  what: `fan-out, ${row.publishers} publishers, pipeline ${row.pipeline}`,
  value: row.ratio,
  max: MAX_RATIO,
}));
conclude({ title: 'bench:pubsub', results, verdicts, options });

/**
 * @param {import('./lib/servers.mjs').RunningServer} server
 * @param {number} publishers
 * @param {number} pipeline
 * @returns {Promise<number>} µs
 */
async function perDelivery(server, publishers, pipeline) {
  const subscribers = await Promise.all(
    Array.from({ length: subscriberCount }, () => Subscriber.open(server.port, 'channel')),
  );
  const clients = await Promise.all(Array.from({ length: publishers }, () => server.connect()));
  const publish = ['PUBLISH', 'channel', payload];
  await pipelineAll(clients, publish, Math.max(publishers * pipeline, messageCount / 4), pipeline);
  await sleep(50);
  const before = subscribers.reduce((sum, { bytes }) => sum + bytes, 0);
  const cpu = cpuMicroseconds(server.pid);
  const sent = await pipelineAll(clients, publish, messageCount, pipeline);
  const each = messageBytes();
  while (subscribers.reduce((sum, { bytes }) => sum + bytes, 0) - before < sent * subscriberCount * each) {
    await sleep(5);
  }
  const used = cpuMicroseconds(server.pid) - cpu;
  for (const one of [...subscribers, ...clients]) one.close();
  return used / (sent * subscriberCount);
}

function messageBytes() {
  return `*3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$${payload.length}\r\n${payload}\r\n`.length;
}
