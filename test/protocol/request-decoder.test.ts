import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  maxInlineLength,
  type PartialRequest,
  ProtocolError,
  RequestDecoder,
  type RequestLimits,
  unauthenticatedLimits,
} from '../../src/protocol/request-decoder.js';

const limits: RequestLimits = { maxBulkLength: 512 * 1024 * 1024, maxArguments: 1024 * 1024 };

/** The receive buffer is reused: what is not copied of `shared` is overwritten afterwards. */
function receive(decoder: RequestDecoder, partial: PartialRequest | undefined, shared: Buffer): void {
  if (partial === undefined) return decoder.begin(shared, 0, shared.length);
  partial.append(shared, 0, shared.length);
  decoder.resume(partial);
}

/** Feeds the pieces as a connection does and returns all requests. */
function decodeAll(pieces: Buffer[], allowed = limits): string[][] {
  const decoder = new RequestDecoder();
  const requests: string[][] = [];
  let partial: PartialRequest | undefined;
  for (const piece of pieces) {
    const shared = Buffer.from(piece);
    receive(decoder, partial, shared);
    for (let count = decoder.fill(allowed); count > 0; count = decoder.fill(allowed)) {
      // Now and then only the first of them is run, as when it blocks its client.
      const used = requests.length % 3 === 2 ? 1 : count;
      for (const { args, argc } of decoder.requests.slice(0, used)) {
        requests.push(args.slice(0, argc).map((arg) => arg.latin1()));
      }
      if (used < count) decoder.rewind(decoder.requests[used].start);
    }
    partial = decoder.suspend(partial);
    shared.fill(0x58);
  }
  return requests;
}

/** As `decodeAll`, for a client that is held back: with each piece, and at the end, one request is run at a time. */
function decodeHeld(pieces: Buffer[]): string[][] {
  const decoder = new RequestDecoder();
  const requests: string[][] = [];
  let partial: PartialRequest | undefined;
  const runOne = () => {
    const count = decoder.fill(limits);
    if (count > 0) {
      const [{ args, argc }] = decoder.requests;
      requests.push(args.slice(0, argc).map((arg) => arg.latin1()));
    }
    if (count > 1) decoder.rewind(decoder.requests[1].start);
    partial = decoder.suspend(partial);
    return count > 0;
  };
  for (const piece of pieces) {
    const shared = Buffer.from(piece);
    receive(decoder, partial, shared);
    runOne();
    shared.fill(0x58);
  }
  for (let more = true; more && partial !== undefined; more = runOne()) decoder.resume(partial);
  return requests;
}

const encode = (request: string[]) =>
  `*${request.length}\r\n${request.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
const latin1 = (text: string) => Buffer.from(text, 'latin1');

function cut(bytes: Buffer, at: number[]): Buffer[] {
  const points = [...new Set([0, ...at.map((n) => n % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  return points.slice(1).map((end, i) => bytes.subarray(points[i], end));
}

const word = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((s) => Buffer.from(s, 'utf8').toString('latin1'));

describe('RequestDecoder', () => {
  it('decodes what was received ahead, of which one request is run at a time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(word, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (requests, at) => {
          const bytes = latin1(requests.map(encode).join(''));
          expect(decodeHeld(cut(bytes, at))).toEqual(requests);
        },
      ),
    );
  });

  it('decodes a pipeline however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(word, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (requests, at) => {
          expect(decodeAll(cut(latin1(requests.map(encode).join('')), at))).toEqual(requests);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('decodes requests that arrive byte by byte', () => {
    const requests = [['SET', 'key', 'x'.repeat(300)], ['GET', 'key'], [''], ['PING']];
    const bytes = latin1(`${requests.map(encode).join('')}ECHO "a b"\r\n`);
    expect(decodeAll([...bytes].map((byte) => Buffer.from([byte])))).toEqual([...requests, ['ECHO', 'a b']]);
  });

  it('decodes a request of many arguments in many pieces', () => {
    const request = Array.from({ length: 50_000 }, (_, i) => `argument:${i}`);
    const bytes = latin1(encode(request) + encode(['PING']));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, i) =>
      bytes.subarray(i * 1000, i * 1000 + 1000),
    );
    expect(decodeAll(pieces)).toEqual([request, ['PING']]);
  });

  it.each([
    ['many short ones', ['MSET', ...Array.from({ length: 4000 }, () => 'v'.repeat(1000))]],
    ['one long one', ['SET', 'key', 'v'.repeat(4_000_000)]],
  ])('copies the arguments of a request in pieces about once: %s', (_, request) => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafeSlow');
    const bytes = latin1(encode(request));
    const pieces = Array.from({ length: Math.ceil(bytes.length / 10_000) }, (_, i) =>
      bytes.subarray(i * 10_000, (i + 1) * 10_000),
    );
    expect(decodeAll(pieces)).toEqual([request]);
    const taken = allocate.mock.calls.reduce((sum, [size]) => sum + size, 0);
    allocate.mockRestore();
    expect(taken).toBeLessThan(bytes.length * 5);
  });

  it.each(['*05\r\n', '*-0\r\n', '*1\r\n$04\r\nPING\r\n', '*1\r\n$-0\r\n'])(
    'takes numbers in one way of writing only: %j',
    (text) => {
      expect(() => decodeAll([latin1(text)])).toThrow(ProtocolError);
    },
  );

  it('splits inline requests and keeps what follows', () => {
    const bytes = latin1("PING\r\n\r\n\nSET a \"x\\x41\\n\" 'it\\'s'\r\n*1\r\n$4\r\nPING\r\n");
    expect(decodeAll([bytes])).toEqual([['PING'], ['SET', 'a', 'xA\n', "it's"], ['PING']]);
  });

  it('skips empty and negative multibulk requests', () => {
    expect(decodeAll([latin1('*0\r\n*-10\r\n*-1234567890123456789\r\n*1\r\n$4\r\nPING\r\n')])).toEqual([
      ['PING'],
    ]);
  });

  const broken: [string, string][] = [
    ['*3000000000\r\n', 'invalid multibulk length'],
    ['*1234567890123456789\r\n', 'invalid multibulk length'],
    ['*-12345678901234567890\r\n', 'invalid multibulk length'],
    ['*x\r\n', 'invalid multibulk length'],
    ['*1\r\nfoo\r\n', "expected '$', got 'f'"],
    ['*1\r\n$x\r\n', 'invalid bulk length'],
    ['*1\r\n$-10\r\n', 'invalid bulk length'],
    ['*1\r\n$2000000000\r\n', 'invalid bulk length'],
    ['SET "a\r\n', 'unbalanced quotes in request'],
    ['SET "a"b\r\n', 'unbalanced quotes in request'],
    [`*${'1'.repeat(maxInlineLength + 2)}`, 'too big mbulk count string'],
    [`*1\r\n$${'1'.repeat(maxInlineLength + 2)}`, 'too big bulk count string'],
    ['x'.repeat(maxInlineLength + 1), 'too big inline request'],
  ];
  it.each(broken)('refuses %j', (bytes, message) => {
    expect(() => decodeAll([latin1(bytes)])).toThrow(new ProtocolError(message));
  });

  it('has small limits before authentication', () => {
    expect(() => decodeAll([latin1('*11\r\n')], unauthenticatedLimits)).toThrow(
      'unauthenticated multibulk length',
    );
    const large = latin1('*1\r\n$16385\r\n');
    expect(() => decodeAll([large], unauthenticatedLimits)).toThrow('unauthenticated bulk length');
  });

  it('takes no memory for a length that is only announced', () => {
    const decoder = new RequestDecoder();
    const bytes = latin1('*1000000\r\n$400000000\r\nabc');
    decoder.begin(bytes, 0, bytes.length);
    expect(decoder.fill(limits)).toBe(0);
    const partial = decoder.suspend(undefined)!;
    for (let i = 0; i < 100; i++) partial.append(Buffer.alloc(1000), 0, 1000);
    expect(partial.capacity).toBeLessThan(300_000);
  });

  it('never fails with anything but a ProtocolError', () => {
    const junk = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.stringMatching(/^[*$\r\n0-9a-z"' -]{0,60}$/).map(latin1),
    );
    fc.assert(
      fc.property(junk, fc.array(fc.nat(), { maxLength: 5 }), (bytes, at) => {
        try {
          decodeAll(cut(bytes, at));
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
