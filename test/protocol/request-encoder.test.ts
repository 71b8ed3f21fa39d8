import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { RequestEncoder } from '../../src/protocol/request-encoder.js';

describe('RequestEncoder', () => {
  it('writes arrays of bulk strings, one behind the other', () => {
    const request = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 200 }), (requests) => {
        const encoder = new RequestEncoder();
        let expected = '';
        for (const args of requests) {
          const views = args.map((arg) => new Bytes(Buffer.from(arg)));
          encoder.append([...views, Bytes.of('beyond argc')], views.length);
          const bulks = views.map((view) => `$${view.length}\r\n${view.latin1()}\r\n`);
          expected += `*${args.length}\r\n${bulks.join('')}`;
        }
        expect(encoder.bytes.toString('latin1')).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps what was not dropped', () => {
    const encoder = new RequestEncoder();
    encoder.appendRaw('#TS:1\r\n');
    encoder.append([Bytes.of('a')], 1);
    encoder.drop(7);
    expect(encoder.bytes.toString()).toBe('*1\r\n$1\r\na\r\n');
    encoder.append([Bytes.of('x'.repeat(10_000_000))], 1);
    encoder.drop(encoder.length);
    expect(encoder.capacity).toBeLessThan(1_000_000);
  });
});
