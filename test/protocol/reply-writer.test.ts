import { describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { ChunkPool, chunkSize } from '../../src/protocol/chunk-pool.js';
import { ReplyWriter } from '../../src/protocol/reply-writer.js';

function written(protocol: 2 | 3, write: (reply: ReplyWriter) => void): string {
  const reply = new ReplyWriter(new ChunkPool());
  reply.protocol = protocol;
  write(reply);
  return Buffer.concat(reply.take()).toString('latin1');
}

describe('ReplyWriter', () => {
  const shapes: [string, (reply: ReplyWriter) => void, string, string][] = [
    ['ok', (r) => r.ok(), '+OK\r\n', '+OK\r\n'],
    ['simple', (r) => r.simple('PONG'), '+PONG\r\n', '+PONG\r\n'],
    ['error', (r) => r.error('ERR a\r\nb'), '-ERR a  b\r\n', '-ERR a  b\r\n'],
    ['integer', (r) => r.integer(-42), ':-42\r\n', ':-42\r\n'],
    ['bigint', (r) => r.bigint(9223372036854775807n), ':9223372036854775807\r\n', ':9223372036854775807\r\n'],
    ['bulk', (r) => r.bytes(Bytes.of('a\0b')), '$3\r\na\0b\r\n', '$3\r\na\0b\r\n'],
    ['text', (r) => r.text(''), '$0\r\n\r\n', '$0\r\n\r\n'],
    ['null', (r) => r.null(), '$-1\r\n', '_\r\n'],
    ['null array', (r) => r.nullArray(), '*-1\r\n', '_\r\n'],
    ['array', (r) => r.array(2), '*2\r\n', '*2\r\n'],
    ['map', (r) => r.map(2), '*4\r\n', '%2\r\n'],
    ['set', (r) => r.set(2), '*2\r\n', '~2\r\n'],
    ['push', (r) => r.push(3), '*3\r\n', '>3\r\n'],
    ['double', (r) => r.double('1.5'), '$3\r\n1.5\r\n', ',1.5\r\n'],
    ['boolean', (r) => r.boolean(true), ':1\r\n', '#t\r\n'],
    ['false', (r) => r.boolean(false), ':0\r\n', '#f\r\n'],
    [
      'big number',
      (r) => r.bigNumber('12345678901234567890'),
      '$20\r\n12345678901234567890\r\n',
      '(12345678901234567890\r\n',
    ],
    ['verbatim', (r) => r.verbatim('txt', 'hé'), '$3\r\nh\xc3\xa9\r\n', '=7\r\ntxt:h\xc3\xa9\r\n'],
  ];
  it('writes an error with a million line ends in its middle, in no time', () => {
    const message = `ERR a${'\n'.repeat(1_000_000)}b\r\n`;
    expect(written(2, (reply) => reply.error(message)).length).toBe(`-${message}`.length);
  });

  it.each(shapes)('writes %s', (_name, write, resp2, resp3) => {
    expect(written(2, write)).toBe(resp2);
    expect(written(3, write)).toBe(resp3);
  });

  it('writes every number of digits', () => {
    const numbers = [
      0,
      9,
      10,
      99,
      100,
      12345,
      2147483647,
      2147483648,
      -1,
      -2147483648,
      Number.MAX_SAFE_INTEGER,
    ];
    expect(written(2, (r) => numbers.forEach((n) => r.integer(n)))).toBe(
      numbers.map((n) => `:${n}\r\n`).join(''),
    );
  });

  it('keeps the order across chunks', () => {
    const parts = Array.from({ length: 300 }, (_, i) =>
      String.fromCharCode(97 + (i % 26)).repeat((i * 977) % (chunkSize * 2)),
    );
    const expected = parts.map((part) => `$${part.length}\r\n${part}\r\n`).join('');
    expect(written(2, (r) => parts.forEach((part) => r.bytes(Bytes.of(part))))).toBe(expected);
  });

  it('counts unsent bytes and drops everything while muted', () => {
    const reply = new ReplyWriter(new ChunkPool());
    reply.ok();
    expect(reply.size).toBe(5);
    reply.muted = true;
    reply.ok();
    reply.text('x');
    reply.array(3);
    reply.integer(1);
    expect(reply.size).toBe(5);
  });

  it('holds no memory once its bytes are sent', () => {
    const reply = new ReplyWriter(new ChunkPool());
    reply.ok();
    expect(reply.single()?.toString()).toBe('+OK\r\n');
    reply.sent();
    expect(reply.size).toBe(0);
    expect(reply.single()?.length).toBe(0);
  });

  it.each([5, 256, 257, 16_000])('leaves %d bytes alone that a write still needs', (length) => {
    const pool = new ChunkPool();
    const [reply, other] = [new ReplyWriter(pool), new ReplyWriter(pool)];
    reply.simple('x'.repeat(length - 3));
    const bytes = reply.single()!;
    reply.handedOver(bytes);
    expect(reply.size).toBe(0);
    for (const writer of [reply, other, reply]) {
      writer.simple('y'.repeat(length - 3));
      expect(writer.single()?.toString()).toBe(`+${'y'.repeat(length - 3)}\r\n`);
      writer.sent();
    }
    expect(bytes.toString()).toBe(`+${'x'.repeat(length - 3)}\r\n`);
    expect(pool.held).toBe(0);
  });
});
