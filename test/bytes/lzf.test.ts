import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Crc64 } from '../../src/bytes/crc64.js';
import { lzfCompress, lzfDecompress } from '../../src/bytes/lzf.js';
import { Oracle } from '../support/oracle.js';
import { describeWithRedisServer } from '../support/redis-server.js';

const GUARD = 0xaa;

/** The bytes compressed, with guards around input and output that must not count or change. */
function compress(bytes: Uint8Array, room = bytes.length * 2 + 8): Buffer | undefined {
  const input = Buffer.from([7, ...bytes, 7]);
  const output = Buffer.alloc(room + 2, GUARD);
  const end = lzfCompress(input, 1, input.length - 1, output, 1, room + 1);
  expect([output[0], output[room + 1]]).toEqual([GUARD, GUARD]);
  return end < 0 ? undefined : output.subarray(1, end);
}

function decompress(bytes: Uint8Array, room: number): Buffer | undefined {
  const input = Buffer.from([7, ...bytes, 7]);
  const output = Buffer.alloc(room + 2, GUARD);
  const end = lzfDecompress(input, 1, input.length - 1, output, 1, room + 1);
  expect([output[0], output[room + 1]]).toEqual([GUARD, GUARD]);
  return end < 0 ? undefined : output.subarray(1, end);
}

/** The format read literally, growing an array; throws on what is malformed. */
function naiveDecompress(bytes: Uint8Array): number[] {
  const input = [...bytes];
  const output: number[] = [];
  const take = () => {
    const byte = input.shift();
    if (byte === undefined) throw new Error('ends early');
    return byte;
  };
  while (input.length > 0) {
    const control = take();
    if (control < 32) {
      for (let i = 0; i <= control; i++) output.push(take());
      continue;
    }
    const length = control < 0xe0 ? (control >> 5) + 2 : take() + 9;
    const distance = ((control & 0x1f) << 8) + take() + 1;
    if (distance > output.length) throw new Error('points before the start');
    for (let i = 0; i < length; i++) output.push(output[output.length - distance]);
  }
  return output;
}

const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.nat(120)), { maxLength: 12 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));
const inputs = fc.oneof(fc.uint8Array({ maxLength: 300 }), repetitive);

describe('LZF', () => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(inputs, (bytes) => {
        const compressed = compress(bytes)!;
        expect(decompress(compressed, bytes.length)).toEqual(Buffer.from(bytes));
        expect(naiveDecompress(compressed)).toEqual([...bytes]);
      }),
      { numRuns: 500 },
    );
  });

  it('makes repetitive bytes small', () => {
    expect(compress(Buffer.alloc(10_000, 'ab'))!.length).toBeLessThan(160);
    expect(compress(Buffer.from('the quick brown fox, the quick brown dog'))!.length).toBeLessThan(32);
  });

  it('finds matches up to 8192 bytes back and no farther', () => {
    const noise = Buffer.from(Array.from({ length: 9000 }, (_, i) => (i * i * 31 + (i >> 3) * 17) & 0xff));
    for (const distance of [8191, 8192, 8193]) {
      const bytes = Buffer.concat([
        Buffer.from('needle'),
        noise.subarray(0, distance - 6),
        Buffer.from('needle'),
      ]);
      expect(decompress(compress(bytes)!, bytes.length)).toEqual(bytes);
    }
  });

  it('gives up when the output does not fit, and only then', () => {
    fc.assert(
      fc.property(inputs, fc.nat(300), (bytes, room) => {
        const needed = compress(bytes)!.length;
        const compressed = compress(bytes, room);
        if (compressed === undefined) expect(room).toBeLessThan(needed + 2);
        else expect(compressed.length).toBe(needed);
      }),
    );
  });

  it('reads the examples of the format', () => {
    expect(decompress(Buffer.from([2, 97, 98, 99, 0x20, 2]), 6)?.toString()).toBe('abcabc');
    expect(decompress(Buffer.from([0, 97, 0xe0, 0, 0]), 10)?.toString()).toBe('aaaaaaaaaa');
  });

  it('agrees with a naive reader on hostile bytes, and never leaves its buffers', () => {
    const control = fc.constantFrom(0, 1, 2, 31, 32, 64, 0xc0, 0xe0, 0xff);
    const hostile = fc.array(fc.oneof(control, fc.nat(255), fc.constant(0)), { maxLength: 30 });
    fc.assert(
      fc.property(hostile, fc.nat(400), (bytes, room) => {
        let expected: Buffer | undefined;
        try {
          expected = Buffer.from(naiveDecompress(Buffer.from(bytes)));
        } catch {
          // malformed
        }
        if (expected !== undefined && expected.length > room) expected = undefined;
        expect(decompress(Buffer.from(bytes), room)).toEqual(expected);
      }),
      { numRuns: 3000 },
    );
  });
});

describeWithRedisServer('DUMP of redis-server', () => {
  it('has the same checksum and compresses in the same format', async () => {
    const oracle = await Oracle.start();
    onTestFinished(() => oracle.stop());
    const value = 'lorem ipsum dolor sit amet, '.repeat(40);
    await oracle.send('SET', 'k', value);
    const dump = Buffer.from(String(await oracle.send('DUMP', 'k')), 'latin1');
    const body = dump.length - 8;
    expect(new Crc64().update(dump, 0, body).matches(dump, body)).toBe(true);
    expect(dump[1]).toBe(0xc3); // an LZF string; then both lengths, one or two bytes each
    const data = 2 + (dump[2] < 0x40 ? 1 : 2) + 2;
    expect(decompress(dump.subarray(data, body - 2), value.length)?.toString()).toBe(value);
    // And it reads what we compress.
    const compressed = compress(Buffer.from(value))!;
    const head = [0, 0xc3, 0x40 | (compressed.length >> 8), compressed.length & 0xff];
    const ours = Buffer.concat([
      Buffer.from([...head, 0x40 | (value.length >> 8), value.length & 0xff]),
      compressed,
      dump.subarray(body - 2),
    ]);
    new Crc64().update(ours, 0, ours.length - 8).write(ours, ours.length - 8);
    expect(await oracle.send('RESTORE', 'copy', '0', ours.toString('latin1'))).toBe('OK');
    expect(await oracle.send('GET', 'copy')).toBe(value);
  });
});
