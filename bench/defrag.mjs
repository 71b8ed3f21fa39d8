// Active defragmentation: most of many keys are deleted at random, then memory has to come back. See bench/README.md.
import { fill } from './lib/client.mjs';
import { infoNumber } from './lib/info.mjs';
import { parseCount, readOptions } from './lib/options.mjs';
import { startProbe } from './lib/probe.mjs';
import { rssBytes } from './lib/process-usage.mjs';
import { conclude, formatNumber, MIB, markdownTable } from './lib/report.mjs';
import { startServer } from './lib/servers.mjs';
import { sleep } from './lib/stats.mjs';

const MAX_FRAGMENTATION = 1.5;
const MAX_SECONDS = 10;
/** Of the RSS that the deleted keys had taken, what may be left of it. */
const MAX_RSS_KEPT = 0.5;

const options = readOptions('Deletes nine keys of ten at random, and waits for active defragmentation.', {
  keys: { type: 'string', default: '2M', help: 'how many keys' },
  size: { type: 'string', default: '48', help: 'bytes of a value' },
});
const total = parseCount(options.keys);
const server = await startServer({ name: 'respite', command: options.respite });
try {
  const client = await server.connect();
  const idleRss = rssBytes(server.pid);
  const value = 'v'.repeat(Number(options.size));
  await fill(client, total, (i) => ['SET', `key:${i}`, value]);
  const full = await look(client);
  await fill(client, total, (i) => (isKept(i) ? ['PING'] : ['DEL', `key:${i}`]));
  const sparse = await look(client);
  const probe = await startProbe(server.port);
  await client.command('CONFIG', 'SET', 'activedefrag', 'yes', 'active-defrag-ignore-bytes', '10mb');
  const { seconds, after } = await untilDone(client);
  const { worstMs } = await probe.stop();
  const kept = (after.rss - idleRss) / (full.rss - idleRss);
  const figures = { full, sparse, after };
  const rows = Object.entries(figures).map(([name, { used, fragmentation, resident, rss }]) => [
    name,
    ...[used / MIB, fragmentation, resident / MIB, rss / MIB].map(formatNumber),
  ]);
  console.log(`${total} keys of ${options.size} B values, 90% deleted at random\n`);
  console.log(
    markdownTable(['', 'used MiB', 'allocator_frag_ratio', 'allocator_resident MiB', 'RSS MiB'], rows),
  );
  console.log(`\nmoved for ${formatNumber(seconds)} s; worst PING ${formatNumber(worstMs)} ms`);
  const verdicts = [
    { what: 'fragmentation', value: after.fragmentation, max: MAX_FRAGMENTATION },
    { what: 'until it was', value: seconds, max: MAX_SECONDS, unit: 's' },
    { what: 'RSS of the data that was kept', value: kept, max: MAX_RSS_KEPT },
  ];
  conclude({ title: 'bench:defrag', results: { ...figures, seconds, worstMs }, verdicts, options });
} finally {
  await server.stop();
}

/** One key in ten, without a pattern that pages could follow. @param {number} i */
function isKept(i) {
  return ((Math.imul(i, 0x9e3779b1) >>> 7) ^ (i >>> 3)) % 10 === 0;
}

/** @param {import('./lib/client.mjs').RawClient} client */
async function look(client) {
  const info = String(await client.command('INFO', 'everything'));
  return {
    used: infoNumber(info, 'used_memory'),
    fragmentation: infoNumber(info, 'allocator_frag_ratio'),
    resident: infoNumber(info, 'allocator_resident'),
    rss: rssBytes(server.pid),
    running: infoNumber(info, 'active_defrag_running') > 0,
    moved: infoNumber(info, 'active_defrag_hits'),
  };
}

/** @param {import('./lib/client.mjs').RawClient} client */
async function untilDone(client) {
  const begin = performance.now();
  for (;;) {
    await sleep(50);
    const after = await look(client);
    const seconds = (performance.now() - begin) / 1000;
    if ((!after.running && after.moved > 0) || seconds > 2 * MAX_SECONDS) return { seconds, after };
  }
}
