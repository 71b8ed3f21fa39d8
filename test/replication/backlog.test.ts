import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Backlog } from '../../src/replication/backlog.js';
import { noReplicationId, ReplicationLog } from '../../src/replication/replication-log.js';

const step = fc.oneof(
  fc.record({ append: fc.integer({ min: 0, max: 100_000 }) }),
  fc.record({ resize: fc.integer({ min: 1, max: 400_000 }) }),
  fc.record({ need: fc.double({ min: 0, max: 1, noNaN: true }) }),
);

/** Byte number `n` of a stream that never repeats itself within a block. */
const byteAt = (n: number) => (n * 31 + (n >>> 8)) & 0xff;

function streamPart(from: number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => byteAt(from + i)));
}

it('A backlog keeps what is needed and as much as it should, unchanged', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.nat(1000), (steps, begin) => {
      let needed = Number.POSITIVE_INFINITY;
      const backlog = new Backlog(20_000, begin, () => needed);
      let end = begin;
      for (const each of steps) {
        const startBefore = backlog.start;
        if ('append' in each) {
          backlog.append(streamPart(end, each.append));
          end += each.append;
        } else if ('resize' in each) backlog.resize(each.resize);
        else needed = Math.floor(backlog.start + each.need * backlog.length);
        expect(backlog.end).toBe(end);
        expect(backlog.start).toBeGreaterThanOrEqual(startBefore);
        expect(backlog.start).toBeLessThanOrEqual(
          Math.min(needed, Math.max(end - backlog.size, startBefore)),
        );
        expect(backlog.memory).toBeLessThan(Math.max(backlog.length, 20_000) + 3 * 1024 * 1024);
      }
      expect(backlog.tail(backlog.length).equals(streamPart(backlog.start, backlog.length))).toBe(true);
      const middle = backlog.start + Math.floor(backlog.length / 2);
      const block = backlog.find(middle)!;
      expect(middle >= block.start && middle <= block.start + block.used).toBe(true);
      expect(backlog.find(backlog.start - 1)).toBeUndefined();
      expect(backlog.find(end + 1)).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

function newLog(): ReplicationLog {
  let ids = 0;
  return new ReplicationLog(() => String(++ids).repeat(40).slice(0, 40), {
    backlogSize: () => 16_384,
    neededFrom: () => Number.POSITIVE_INFINITY,
  });
}

it('A history can be gone on with from where the backlog begins to its end', () => {
  const log = newLog();
  expect(log.canContinue(log.id, 1)).toBe(false);
  log.createBacklog();
  for (let i = 0; i < 10; i++) log.append(Buffer.alloc(10_000));
  const { start } = log.backlog!;
  expect(start).toBeGreaterThan(0);
  expect(log.canContinue(log.id, start)).toBe(false);
  expect(log.canContinue(log.id, start + 1)).toBe(true);
  expect(log.canContinue(log.id, 100_001)).toBe(true);
  expect(log.canContinue(log.id, 100_002)).toBe(false);
  expect(log.canContinue('x'.repeat(40), 100_001)).toBe(false);
});

it('After a failover the former history is known up to where the two part', () => {
  const log = newLog();
  log.createBacklog();
  log.append(Buffer.alloc(10));
  const former = log.id;
  log.shift();
  log.append(Buffer.alloc(10));
  expect(log.secondId).toBe(former);
  expect(log.canContinue(former, 11)).toBe(true);
  expect(log.canContinue(former, 12)).toBe(false);
  expect(log.canContinue(log.id, 21)).toBe(true);
  log.renew();
  expect(log.secondId).toBe(noReplicationId);
  expect(log.canContinue(former, 11)).toBe(false);
});
