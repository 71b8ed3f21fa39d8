import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SnapshotBody } from '../../src/replication/full-sync-load-body.js';

const mark = Buffer.from('0123456789abcdef0123456789abcdef01234567');

/**
 * Hands bytes over in pieces of these lengths, and the rest as a whole. Returns what arrived, and how many were
 * taken.
 */
function deliver(bytes: Buffer, lengths: number[], total: number | undefined) {
  const written: Buffer[] = [];
  let arrivals = 0;
  const target = {
    write: (buffer: Buffer, start: number, end: number) => {
      written.push(Buffer.from(buffer.subarray(start, end)));
    },
    finish: () => Promise.resolve({ streamDatabase: 0 }),
    abandon() {},
  };
  const body = new SnapshotBody(target, total, total === undefined ? mark : undefined, () => arrivals++);
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    const end = Math.min(at + length, bytes.length);
    const taken = body.take(bytes, at, end);
    at += taken;
    if (taken < end - at + taken) break;
  }
  return { data: Buffer.concat(written), taken: at, arrivals };
}

const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const cuts = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 30 });

it('a snapshot up to a mark is found wherever it is cut', () => {
  fc.assert(
    fc.property(data, cuts, data, (snapshot, lengths, rest) => {
      // Beginnings of the mark among the data are no mark.
      const whole = Buffer.concat([snapshot, mark.subarray(0, snapshot.length % 40)]);
      const result = deliver(Buffer.concat([whole, mark, rest]), lengths, undefined);
      expect(result.data.equals(whole)).toBe(true);
      expect(result.taken).toBe(whole.length + mark.length);
      expect(result.arrivals).toBe(1);
    }),
  );
});

it('a snapshot of a known length ends there', () => {
  fc.assert(
    fc.property(data, cuts, data, (snapshot, lengths, rest) => {
      const result = deliver(Buffer.concat([snapshot, rest]), lengths, snapshot.length);
      expect(result.data.equals(snapshot)).toBe(true);
      expect(result.taken).toBe(snapshot.length);
      expect(result.arrivals).toBe(1);
    }),
  );
});
