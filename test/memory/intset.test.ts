import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import {
  EMPTY_INTSET_LENGTH,
  Intset,
  isValidIntset,
  parseMember,
  writeEmptyIntset,
} from '../../src/memory/intset.js';
import { HeapBytes } from '../support/heap-bytes.js';
import { Oracle } from '../support/oracle.js';
import { describeWithRedisServer } from '../support/redis-server.js';

function emptyIntset() {
  const owner = HeapBytes.of(Buffer.alloc(EMPTY_INTSET_LENGTH));
  writeEmptyIntset(owner.buffer, owner.offset);
  return { owner, intset: new Intset(owner) };
}

const member = (n: bigint) => parseMember(Bytes.of(String(n)))!;
const isValid = (owner: HeapBytes) => isValidIntset(owner.buffer, owner.offset, owner.offset + owner.length);

const edges = [0n, 2n ** 15n, 2n ** 16n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 62n].flatMap((n) => [
  n - 1n,
  n,
  -n,
  -n - 1n,
]);
const members = fc.oneof(
  fc.bigInt(-20n, 20n),
  fc.constantFrom(...edges, 2n ** 63n - 1n, -(2n ** 63n)),
  fc.bigInt(-(2n ** 15n), 2n ** 15n - 1n),
  fc.bigInt(-(2n ** 31n), 2n ** 31n - 1n),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
);
const steps = fc.array(fc.tuple(fc.constantFrom('add', 'add', 'remove', 'removeAt'), members), {
  maxLength: 60,
});

describe('Intset', () => {
  it('does what a sorted set of bigints does', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const { owner, intset } = emptyIntset();
        let model: bigint[] = [];
        for (const [kind, n] of sequence) {
          const present = model.includes(n);
          expect(intset.has(member(n))).toBe(present);
          if (kind === 'add') {
            expect(intset.add(member(n))).toBe(!present);
            if (!present) model = [...model, n].sort((a, b) => (a < b ? -1 : 1));
          } else if (kind === 'remove') {
            expect(intset.remove(member(n))).toBe(present);
            model = model.filter((other) => other !== n);
          } else if (model.length > 0) {
            const index = Number(BigInt.asUintN(16, n)) % model.length;
            intset.removeAt(index);
            model.splice(index, 1);
          }
          expect(intset.count).toBe(model.length);
          owner.checkGuards();
          expect(isValid(owner)).toBe(true);
        }
        const view = Bytes.of('');
        model.forEach((n, i) => {
          expect(intset.get(i)).toBe(member(n));
          expect(intset.indexOf(member(n))).toBe(i);
          intset.read(i, view);
          expect(view.latin1()).toBe(String(n));
        });
        expect(intset.indexOf(member(123n))).toBe(model.indexOf(123n));
      }),
      { numRuns: 300 },
    );
  });

  it('widens and never narrows', () => {
    const { owner, intset } = emptyIntset();
    intset.add(1);
    expect([...owner.bytes()]).toEqual([2, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
    intset.add(-32769);
    expect([...owner.bytes()]).toEqual([4, 0, 0, 0, 2, 0, 0, 0, 0xff, 0x7f, 0xff, 0xff, 1, 0, 0, 0]);
    intset.remove(-32769);
    expect(owner.length).toBe(12);
    intset.add(2n ** 63n - 1n);
    expect(owner.length).toBe(24);
  });

  it('knows members only by their canonical spelling', () => {
    const spell = (text: string) => parseMember(Bytes.of(text));
    expect(['12', '-3', '9007199254740992', '-9223372036854775808'].map(spell)).toEqual([
      12,
      -3,
      2n ** 53n,
      -(2n ** 63n),
    ]);
    expect(['012', '+1', '', 'x', '9223372036854775808'].map(spell)).toEqual(Array(5).fill(undefined));
  });
});

describe('isValidIntset', () => {
  it('agrees with a naive reader on damaged bytes', () => {
    const bytes = fc.array(members, { maxLength: 6 }).map((list) => {
      const { owner, intset } = emptyIntset();
      for (const n of list) intset.add(member(n));
      return [...owner.bytes()];
    });
    const damage = fc.array(fc.tuple(fc.nat(40), fc.constantFrom(0, 1, 2, 4, 8, 0x7f, 0x80, 0xff)), {
      maxLength: 3,
    });
    fc.assert(
      fc.property(bytes, damage, fc.nat(2), (whole, changes, cut) => {
        const damaged = Buffer.from(whole.slice(0, whole.length - cut));
        for (const [place, byte] of changes) if (place < damaged.length) damaged[place] = byte;
        expect(isValid(HeapBytes.of(damaged))).toBe(naivelyValid(damaged));
      }),
      { numRuns: 3000 },
    );
  });

  function naivelyValid(bytes: Buffer): boolean {
    if (bytes.length < 8) return false;
    const [width, count] = [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
    if (![2, 4, 8].includes(width) || bytes.length !== 8 + width * count) return false;
    const list = Array.from({ length: count }, (_, i) => {
      const digits = [...bytes.subarray(8 + i * width, 8 + (i + 1) * width)].reverse();
      return BigInt.asIntN(
        width * 8,
        BigInt(`0x${digits.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`),
      );
    });
    return list.every((n, i) => i === 0 || list[i - 1] < n);
  }
});

describeWithRedisServer('intsets beside redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
    await oracle.send('CONFIG', 'SET', 'rdbcompression', 'no');
  });
  afterAll(() => oracle.stop());

  it('writes sets of integers as the same bytes', async () => {
    for (const list of fc.sample(fc.array(members, { minLength: 1, maxLength: 8 }), 150)) {
      const { owner, intset } = emptyIntset();
      for (const n of list) intset.add(member(n));
      await oracle.send('DEL', 's');
      await oracle.send('SADD', 's', ...list.map(String));
      const dump = Buffer.from(String(await oracle.send('DUMP', 's')), 'latin1');
      expect([dump[0], dump.subarray(-10 - owner.length, -10).toString('latin1')]).toEqual([
        11,
        owner.bytes().toString('latin1'),
      ]);
    }
  });
});
