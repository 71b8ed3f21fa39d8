// What the storage core costs by itself: no sockets, no commands. After `npm run build`:
//
//   node bench/store.mjs [keys]      default 5000000; keys of 16 bytes with values of 16 bytes

import { hashBytes } from '../dist/bytes/hash.js';
import { Arena } from '../dist/memory/arena.js';
import { createEntry, payloadOffsetOf, releaseEntry } from '../dist/memory/entry.js';
import { Table } from '../dist/memory/table.js';

const keys = Number(process.argv[2] ?? 5_000_000);
const lookups = Math.min(keys, 3_000_000);
const bytes = Buffer.from('key:000000000000xxxxxxxxxxxxxxxx', 'latin1');

function writeKey(number) {
  let n = number;
  for (let i = 15; i >= 4; i--) {
    const tenth = Math.floor(n / 10);
    bytes[i] = 48 + n - tenth * 10;
    n = tenth;
  }
}

let state = 1;
function random() {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return state / 0x80000000;
}

const report = (what, value, unit) => console.log(`${what.padEnd(44)} ${String(value).padStart(9)} ${unit}`);

/** CPU time of this process in ns: unlike the wall clock it does not count what other processes did. */
function cpuTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/**
 * Runs `step(i)` for i below `count` and reports the mean CPU time and, on demand, the longest time that a
 * hundred in a row took: no single one stalled longer.
 */
function measure(what, count, step, watchStalls = false) {
  let worst = 0;
  const start = cpuTime();
  let previous = start;
  for (let i = 0; i < count; i++) {
    step(i);
    if (!watchStalls || i % 100 !== 99) continue;
    const now = cpuTime();
    if (now - previous > worst) worst = now - previous;
    previous = now;
  }
  report(what, Math.round((cpuTime() - start) / count), 'ns each');
  if (watchStalls) report('  worst hundred in a row', (worst / 1e6).toFixed(2), 'ms');
}

/** Cheaper hashes to compare with: FNV-1a, byte by byte, and a multiply-and-mix hash of 32-bit words. */
function fnv1a(buffer, start, end, seedLow) {
  let h = 0x811c9dc5 ^ seedLow;
  for (let i = start; i < end; i++) h = Math.imul(h ^ buffer[i], 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return h ^ (h >>> 13);
}

function multiplyMix(buffer, start, end, seedLow, seedHigh) {
  let h = seedLow ^ (end - start);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    let k = buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16) | (buffer[at + 3] << 24);
    k = Math.imul(k ^ seedHigh, 0xcc9e2d51);
    h ^= Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  for (; at < end; at++) h = Math.imul(h ^ buffer[at], 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

let sink = 0;
for (const [name, hash] of [
  ['HalfSipHash-1-3 (chosen)', hashBytes],
  ['FNV-1a and a mixer', fnv1a],
  ['multiply and mix', multiplyMix],
]) {
  const run = (count) => {
    const start = cpuTime();
    for (let i = 0; i < count; i++) {
      bytes[12] = i;
      sink ^= hash(bytes, 0, 16, 0x01234567, 0x89abcdef);
    }
    return (cpuTime() - start) / count;
  };
  run(1_000_000);
  report(`hash of 16 bytes, ${name}`, run(10_000_000).toFixed(1), 'ns each');
}

const before = process.memoryUsage().rss;
const arena = new Arena();
const table = new Table(arena, 0x2545f491, 0x4f6cdd1d);
const find = () => table.find(bytes, 0, 16, table.hash(bytes, 0, 16));

measure(
  `insert ${keys} keys`,
  keys,
  (i) => {
    writeKey(i);
    const hash = table.hash(bytes, 0, 16);
    if (table.find(bytes, 0, 16, hash) !== 0) throw new Error('found before it was inserted');
    const ref = createEntry(arena, bytes, 0, 16, 16, false, 0);
    bytes.copy(arena.bufferOf(ref), payloadOffsetOf(arena, ref), 16, 32);
    table.insert(ref, hash);
  },
  true,
);
const resident = process.memoryUsage().rss - before;
report('bytes per key, counted', ((arena.allocated + table.bytes) / keys).toFixed(1), 'bytes');
report('bytes per key, resident', (resident / keys).toFixed(1), 'bytes');
report('  of that, the table', (table.bytes / keys).toFixed(1), 'bytes');

let hits = 0;
measure('look up keys at random', lookups, () => {
  writeKey(Math.floor(random() * keys));
  if (find() !== 0) hits++;
});
if (hits !== lookups) throw new Error('lost keys');
measure('look up absent keys', lookups, () => {
  writeKey(keys + Math.floor(random() * keys));
  sink ^= find();
});
measure('random entry', Math.min(lookups, 1_000_000), () => {
  sink ^= table.random(random);
});

let scanned = 0;
const scanStart = cpuTime();
for (let cursor = 0; ; ) {
  cursor = table.scan(cursor, () => scanned++);
  if (cursor === 0) break;
}
if (scanned !== keys) throw new Error('the scan missed keys');
report('scan', Math.round((cpuTime() - scanStart) / keys), 'ns each');

measure('allocate and release one block, page opened', 10_000_000, () => {
  arena.release(arena.allocate(1000));
});

const step = 7_368_787; // coprime to round numbers: removes in an order unlike that of insertion
measure(
  'remove all keys',
  keys,
  (i) => {
    writeKey((i * step) % keys);
    if (find() !== 0) releaseEntry(arena, table.removeFound());
  },
  true,
);
report('keys left', table.size, '');
report('arena bytes left', arena.allocated, 'bytes');
report('arena segments left', arena.segmentBytes / (64 << 20), '');
report('table bytes left', table.bytes, 'bytes');
if (sink === 42) console.log();
