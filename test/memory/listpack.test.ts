import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bytes } from '../../src/bytes/bytes.js';
import { Listpack } from '../../src/memory/listpack.js';
import { HeapBytes } from '../support/heap-bytes.js';
import { emptyListpack, listpackOf } from '../support/listpacks.js';
import { isCanonicalListpack, isValidListpack } from '../support/naive-listpack-check.js';
import { Oracle } from '../support/oracle.js';
import { describeWithRedisServer } from '../support/redis-server.js';

function textAt(listpack: Listpack, at: number): string {
  const view = Bytes.of('');
  listpack.read(at, view);
  return view.latin1();
}

function forwards(listpack: Listpack): string[] {
  const elements: string[] = [];
  for (let at = listpack.first(); at !== 0; at = listpack.next(at)) elements.push(textAt(listpack, at));
  return elements;
}

function backwards(listpack: Listpack): string[] {
  const elements: string[] = [];
  if (listpack.isEmpty) return elements;
  for (let at = listpack.last(); at !== 0; at = listpack.previous(at)) elements.push(textAt(listpack, at));
  return elements;
}

function check(owner: HeapBytes, listpack: Listpack, expected: string[]): void {
  owner.checkGuards();
  expect(forwards(listpack)).toEqual(expected);
  expect(backwards(listpack)).toEqual([...expected].reverse());
  expect(listpack.count).toBe(expected.length);
  expect(listpack.isEmpty).toBe(expected.length === 0);
  expect(isValidListpack(owner.buffer, owner.offset, owner.offset + owner.length)).toBe(true);
  expect(isCanonicalListpack(owner.buffer, owner.offset)).toBe(true);
}

const integerEdges = [
  0,
  127,
  128,
  4095,
  4096,
  32767,
  32768,
  8388607,
  8388608,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53 - 1,
].flatMap((n) => [String(n), String(-n - 1)]);
const bigEdges = [
  '9007199254740992',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
];
const lengths = [62, 63, 64, 123, 125, 126, 127, 4093, 4094, 4095, 4096, 16376, 16377, 16378, 16379];
const elements = fc.oneof(
  fc.constantFrom(...integerEdges, ...bigEdges, '', '-0', '007', '+1', '1.5'),
  fc.integer().map(String),
  fc.string({ unit: 'binary-ascii', maxLength: 12 }),
  fc.constantFrom(...lengths).map((length) => 'x'.repeat(length)),
);

describe('the format', () => {
  it.each([
    ['0', [0x00, 1]],
    ['127', [0x7f, 1]],
    ['128', [0xc0, 0x80, 2]],
    ['-1', [0xdf, 0xff, 2]],
    ['-4096', [0xd0, 0x00, 2]],
    ['4096', [0xf1, 0x00, 0x10, 3]],
    ['-32769', [0xf2, 0xff, 0x7f, 0xff, 4]],
    ['8388608', [0xf3, 0x00, 0x00, 0x80, 0x00, 5]],
    ['-2147483649', [0xf4, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 9]],
    ['9223372036854775807', [0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 9]],
    ['ab', [0x82, 0x61, 0x62, 3]],
    ['', [0x80, 1]],
    ['007', [0x83, 0x30, 0x30, 0x37, 4]],
  ])('of %j', (element, encoded) => {
    const { owner } = listpackOf([element]);
    expect([...owner.bytes()]).toEqual([encoded.length + 7, 0, 0, 0, 1, 0, ...encoded, 0xff]);
  });

  it('gives long strings longer heads and backlens', () => {
    const ends = (length: number, tail: number) => {
      const bytes = listpackOf(['x'.repeat(length)]).owner.bytes();
      return [...bytes.subarray(6, 11), ...bytes.subarray(-1 - tail, -1)];
    };
    expect(ends(64, 2)).toEqual([0xe0, 64, 120, 120, 120, 120, 66]);
    expect(ends(126, 2)).toEqual([0xe0, 126, 120, 120, 120, 1, 0x80]);
    expect(ends(4096, 2)).toEqual([0xf0, 0, 0x10, 0, 0, 4101 >> 7, 0x80 | (4101 & 0x7f)]);
    expect(ends(16378, 3)).toEqual([0xf0, 0xfa, 0x3f, 0, 0, 0, 0xff, 0xff]);
  });
});

type Step =
  | { kind: 'insert' | 'replace'; index: number; element: string }
  | { kind: 'insertPair'; index: number; element: string; second: string }
  | { kind: 'delete'; index: number; count: number }
  | { kind: 'append'; element: string }
  | { kind: 'integer'; index: number; value: number }
  | { kind: 'clear' };

const index = fc.nat(12);
const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), element: elements }),
  fc.record({ kind: fc.constantFrom('insert' as const, 'replace' as const), index, element: elements }),
  fc.record({ kind: fc.constant('insertPair' as const), index, element: elements, second: elements }),
  fc.record({ kind: fc.constant('delete' as const), index, count: fc.nat(4) }),
  fc.record({ kind: fc.constant('integer' as const), index, value: fc.maxSafeInteger() }),
  { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
);

/** Does the step to the listpack and to the array. */
function apply(listpack: Listpack, model: string[], step: Step): void {
  if (step.kind === 'clear') {
    listpack.clear();
    model.length = 0;
    return;
  }
  if (!('index' in step)) {
    listpack.append(Bytes.of(step.element));
    model.push(step.element);
    return;
  }
  const place = Math.min(step.index, model.length);
  const at = listpack.seek(place) || listpack.end();
  switch (step.kind) {
    case 'insert':
      listpack.insert(at, Bytes.of(step.element));
      model.splice(place, 0, step.element);
      break;
    case 'insertPair':
      listpack.insertPair(at, Bytes.of(step.element), Bytes.of(step.second));
      model.splice(place, 0, step.element, step.second);
      break;
    case 'delete':
      expect(listpack.delete(at, step.count)).toBe(model.splice(place, step.count).length);
      break;
    case 'replace':
      if (place === model.length) return;
      listpack.replace(at, Bytes.of(step.element));
      model[place] = step.element;
      break;
    case 'integer':
      if (place === model.length) {
        listpack.appendInteger(step.value);
      } else {
        listpack.replaceInteger(at, step.value);
      }
      model[place] = String(step.value);
  }
}

describe('Listpack', () => {
  it('does what an array of strings does', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 25 }), (sequence) => {
        const { owner, listpack } = emptyListpack();
        const model: string[] = [];
        for (const step of sequence) {
          apply(listpack, model, step);
          check(owner, listpack, model);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('seeks from either end, finds, and compares', () => {
    fc.assert(
      fc.property(fc.array(elements, { maxLength: 12 }), elements, fc.nat(2), (list, other, skip) => {
        const { listpack } = listpackOf(list);
        const at = list.map((_, i) => listpack.seek(i));
        list.forEach((element, i) => {
          expect(listpack.seek(i - list.length)).toBe(at[i]);
          expect(textAt(listpack, at[i])).toBe(element);
          expect(listpack.equals(at[i], Bytes.of(element))).toBe(true);
          expect(listpack.equals(at[i], Bytes.of(other))).toBe(element === other);
        });
        expect([listpack.seek(list.length), listpack.seek(-list.length - 1)]).toEqual([0, 0]);
        for (const wanted of [other, ...list]) {
          const found = list.findIndex((element, i) => i % (skip + 1) === 0 && element === wanted);
          expect(listpack.find(listpack.first(), Bytes.of(wanted), skip)).toBe(found < 0 ? 0 : at[found]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reads integers as numbers', () => {
    fc.assert(
      fc.property(elements, (element) => {
        const { listpack } = listpackOf([element]);
        const canonical =
          /^(0|-?[1-9][0-9]{0,18})$/.test(element) && BigInt.asIntN(64, BigInt(element)) === BigInt(element);
        const at = listpack.first();
        expect(listpack.isInteger(at)).toBe(canonical);
        expect(listpack.readInt64(at)).toBe(canonical ? BigInt(element) : undefined);
        const safe = canonical && Number.isSafeInteger(Number(element));
        expect(listpack.readInteger(at)).toBe(safe ? Number(element) : Number.NaN);
      }),
    );
  });

  it('tells the length of an element beforehand', () => {
    fc.assert(
      fc.property(elements, (element) => {
        const { owner, listpack } = emptyListpack();
        const length = owner.length + listpack.lengthOf(Bytes.of(element));
        listpack.append(Bytes.of(element));
        expect(owner.length).toBe(length);
      }),
    );
  });

  it('keeps several integers readable at once', () => {
    const { listpack } = listpackOf(['11', '22']);
    const views = [Bytes.of(''), Bytes.of('')];
    listpack.read(listpack.first(), views[0]);
    listpack.read(listpack.last(), views[1]);
    expect(views.map((view) => view.latin1())).toEqual(['11', '22']);
  });

  it('takes over ranges of another listpack', () => {
    fc.assert(
      fc.property(
        fc.array(elements, { maxLength: 8 }),
        fc.array(elements, { minLength: 1, maxLength: 8 }),
        fc.nat(8),
        (list, other, cut) => {
          const target = listpackOf(list);
          const source = listpackOf(other);
          const from = Math.min(cut, other.length - 1);
          target.listpack.appendRange(
            source.listpack,
            source.listpack.seek(from),
            source.listpack.end(),
            other.length - from,
          );
          check(target.owner, target.listpack, [...list, ...other.slice(from)]);
        },
      ),
    );
  });

  it('moves elements to another place', () => {
    const lists = fc.array(fc.oneof(fc.integer().map(String), fc.string({ maxLength: 300 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(lists, fc.nat(), fc.nat(), fc.nat({ max: 3 }), (list, from, to, more) => {
        const at = from % list.length;
        const count = Math.min(1 + more, list.length - at);
        const rest = list.toSpliced(at, count);
        const target = to % (rest.length + 1);
        const { owner, listpack } = listpackOf(
          list.map((element) => Buffer.from(element).toString('latin1')),
        );
        const expected = forwards(listpack);
        const part = expected.splice(at, count);
        expected.splice(target, 0, ...part);
        const before = target < at ? target : target + count;
        const place = before === list.length ? listpack.end() : listpack.seek(before);
        const moved = listpack.move(listpack.seek(at), count, place);
        expect(moved).toBe(listpack.seek(target));
        check(owner, listpack, expected);
      }),
    );
  });

  it('counts beyond what its header can tell', () => {
    const { owner, listpack } = emptyListpack();
    const thousand = listpackOf(Array.from({ length: 1000 }, (_, i) => String(i)));
    for (let i = 0; i < 66; i++) {
      listpack.appendRange(thousand.listpack, thousand.listpack.first(), thousand.listpack.end(), 1000);
    }
    expect(listpack.count).toBe(66_000);
    expect(textAt(listpack, listpack.seek(65_999))).toBe('999');
    expect(listpack.delete(listpack.first(), 65_000)).toBe(65_000);
    expect(listpack.count).toBe(1000);
    expect(isValidListpack(owner.buffer, owner.offset, owner.offset + owner.length)).toBe(true);
  });
});

describe('isValidListpack', () => {
  /** The elements, read as the format says; undefined if anything does not fit. */
  function naiveElements(bytes: number[]): number[][] | undefined {
    const total = bytes[0] + bytes[1] * 256 + bytes[2] * 65536 + bytes[3] * 16777216;
    if (bytes.length < 7 || total !== bytes.length || bytes.at(-1) !== 0xff) return undefined;
    const found: number[][] = [];
    let at = 6;
    while (at < bytes.length - 1) {
      const first = bytes[at];
      const sizes: Record<number, number> = { 241: 3, 242: 4, 243: 5, 244: 9 };
      let size = sizes[first] ?? Number.NaN;
      if (first < 0x80) size = 1;
      else if (first < 0xc0) size = 1 + (first - 0x80);
      else if (first < 0xe0) size = 2;
      else if (first < 0xf0) size = 2 + (first - 0xe0) * 256 + bytes[at + 1];
      else if (first === 0xf0)
        size = 5 + bytes[at + 1] + bytes[at + 2] * 256 + bytes[at + 3] * 65536 + bytes[at + 4] * 16777216;
      if (!(at + size < bytes.length)) return undefined;
      const backlen = size < 128 ? [size] : [size >> 7, (size & 127) | 128];
      if (backlen.some((byte, i) => bytes[at + size + i] !== byte)) return undefined;
      found.push(bytes.slice(at, at + size));
      at += size + backlen.length;
    }
    const told = bytes[4] + bytes[5] * 256;
    return at === bytes.length - 1 && (told === found.length || told === 0xffff) ? found : undefined;
  }

  const whole = fc
    .array(fc.oneof(fc.string({ maxLength: 6 }), fc.constant('y'.repeat(130)), fc.integer().map(String)), {
      maxLength: 6,
    })
    .map((list) => [...listpackOf(list).owner.bytes()]);
  const damage = fc.array(
    fc.tuple(
      fc.nat(200),
      fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xbf, 0xc0, 0xe0, 0xf0, 0xf1, 0xf4, 0xf5, 0xfe, 0xff),
    ),
    { maxLength: 3 },
  );

  it('agrees with a naive reader on damaged bytes, and then reading is safe', () => {
    fc.assert(
      fc.property(whole, damage, fc.nat(3), fc.boolean(), (bytes, changes, cut, mend) => {
        const damaged = bytes.slice(0, bytes.length - cut);
        for (const [place, byte] of changes) if (place < damaged.length) damaged[place] = byte;
        if (mend)
          [damaged[0], damaged[1], damaged[2], damaged[3]] = [
            damaged.length & 0xff,
            damaged.length >> 8,
            0,
            0,
          ];
        const owner = HeapBytes.of(Buffer.from(damaged));
        const valid = isValidListpack(owner.buffer, owner.offset, owner.offset + owner.length);
        expect(valid).toBe(naiveElements(damaged) !== undefined);
        if (valid) expect(backwards(new Listpack(owner)).reverse()).toEqual(forwards(new Listpack(owner)));
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses an element that claims gigabytes', () => {
    const bytes = Buffer.from([14, 0, 0, 0, 1, 0, 0xf0, 0xff, 0xff, 0xff, 0xff, 0, 1, 0xff]);
    expect(isValidListpack(bytes, 0, bytes.length)).toBe(false);
  });
});

describe('isCanonicalListpack', () => {
  it.each([
    ['an integer as a string', [0x81, 0x37, 2]],
    ['an integer longer than need be', [0xf1, 7, 0, 3]],
    ['a string with too long a head', [0xe0, 1, 0x61, 3]],
  ])('refuses %s', (_, element) => {
    const bytes = Buffer.from([7 + element.length, 0, 0, 0, 1, 0, ...element, 0xff]);
    expect(isValidListpack(bytes, 0, bytes.length)).toBe(true);
    expect(isCanonicalListpack(bytes, 0)).toBe(false);
  });
});

describeWithRedisServer('listpacks beside redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await Oracle.start();
    await oracle.send('CONFIG', 'SET', 'rdbcompression', 'no', 'hash-max-listpack-value', '100000');
  });
  afterAll(() => oracle.stop());

  it('writes hashes as the same bytes', async () => {
    for (const pairs of fc.sample(
      fc.uniqueArray(fc.tuple(elements, elements), {
        minLength: 1,
        maxLength: 6,
        selector: ([field]) => field,
      }),
      150,
    )) {
      await oracle.send('DEL', 'h');
      await oracle.send('HSET', 'h', ...pairs.flat());
      const dump = Buffer.from(String(await oracle.send('DUMP', 'h')), 'latin1');
      const { owner } = listpackOf(pairs.flat());
      const stored = dump.subarray(-10 - owner.length, -10);
      expect([dump[0], stored.toString('latin1')]).toEqual([16, owner.bytes().toString('latin1')]);
    }
  });
});
