import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, type Ref } from '../../src/memory/arena.js';
import {
  accessOf,
  addExpiry,
  createEntry,
  entrySize,
  expiryOf,
  handleOf,
  hasExpiry,
  keyLengthOf,
  keyOffsetOf,
  kindOf,
  NO_EXPIRY,
  payloadLengthOf,
  payloadOffsetOf,
  releaseEntry,
  removeExpiry,
  resizeEntry,
  setAccess,
  setExpiry,
  setHandle,
  setKind,
} from '../../src/memory/entry.js';

/** What an entry should hold. */
interface Model {
  key: Buffer;
  payload: Buffer;
  kind: number;
  access: number;
  expiry: number;
}

function keyBytes(arena: Arena, ref: Ref): Buffer {
  const at = keyOffsetOf(arena, ref);
  return arena.bufferOf(ref).subarray(at, at + keyLengthOf(arena, ref));
}

function payloadBytes(arena: Arena, ref: Ref): Buffer {
  const at = payloadOffsetOf(arena, ref);
  return arena.bufferOf(ref).subarray(at, at + payloadLengthOf(arena, ref));
}

function check(arena: Arena, ref: Ref, model: Model): void {
  expect(keyBytes(arena, ref).equals(model.key)).toBe(true);
  expect(payloadBytes(arena, ref).equals(model.payload)).toBe(true);
  expect(kindOf(arena, ref)).toBe(model.kind);
  expect(accessOf(arena, ref)).toBe(model.access);
  expect(hasExpiry(arena, ref)).toBe(model.expiry !== NO_EXPIRY);
  expect(expiryOf(arena, ref)).toBe(model.expiry);
}

function create(arena: Arena, key: Buffer, payload: Buffer, kind = 0, withExpiry = false): Ref {
  const ref = createEntry(arena, key, 0, key.length, payload.length, withExpiry, kind);
  payload.copy(payloadBytes(arena, ref));
  return ref;
}

const length = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_500, max: 65_600 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_536, max: 200_000 }) },
);
const kind = fc.integer({ min: 0, max: 63 });
const access = fc.integer({ min: 0, max: 0xffffff });
const time = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 52 }),
  fc.constantFrom(0, -1, 1.5, Number.MAX_SAFE_INTEGER),
);

const step = fc.oneof(
  fc.record({ do: fc.constant('resize' as const), length, keep: fc.nat(200_000) }),
  fc.record({ do: fc.constant('kind' as const), kind }),
  fc.record({ do: fc.constant('access' as const), access }),
  fc.record({ do: fc.constant('expire' as const), time }),
  fc.record({ do: fc.constant('persist' as const) }),
);

const pattern = (size: number, salt: number) => Buffer.alloc(size, Buffer.from(`${salt}-abcdefghijk-`));

describe('entry', () => {
  it('keeps every field through any sequence of changes, in memory that counts exactly', () => {
    fc.assert(
      fc.property(
        length,
        length,
        kind,
        fc.boolean(),
        fc.array(step, { maxLength: 30 }),
        (k, p, kinds, timed, steps) => {
          const arena = new Arena();
          const neighbour = create(arena, pattern(20, 1), pattern(20, 2));
          const model: Model = {
            key: pattern(k, 3),
            payload: pattern(p, 4),
            kind: kinds,
            access: 0,
            expiry: NO_EXPIRY,
          };
          let ref = create(arena, model.key, model.payload, kinds, timed);
          if (timed) setExpiry(arena, ref, (model.expiry = 12_345));
          check(arena, ref, model);
          for (const [salt, change] of steps.entries()) {
            if (change.do === 'resize') {
              const keep = Math.min(change.keep, change.length, model.payload.length);
              ref = resizeEntry(arena, ref, change.length, keep);
              expect(payloadBytes(arena, ref).subarray(0, keep).equals(model.payload.subarray(0, keep))).toBe(
                true,
              );
              model.payload = pattern(change.length, salt);
              model.payload.copy(payloadBytes(arena, ref));
            } else if (change.do === 'kind') {
              setKind(arena, ref, (model.kind = change.kind));
            } else if (change.do === 'access') {
              setAccess(arena, ref, (model.access = change.access));
            } else if (change.do === 'expire') {
              ref = addExpiry(arena, ref, (model.expiry = change.time));
            } else {
              ref = removeExpiry(arena, ref);
              model.expiry = NO_EXPIRY;
            }
            check(arena, ref, model);
          }
          check(arena, neighbour, {
            key: pattern(20, 1),
            payload: pattern(20, 2),
            kind: 0,
            access: 0,
            expiry: NO_EXPIRY,
          });
          releaseEntry(arena, ref);
          releaseEntry(arena, neighbour);
          expect(arena.allocated).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('takes 8 bytes of its own, 16 with an expiry or a length beyond 16 bits, 24 with both', () => {
    expect(entrySize(16, 16, false)).toBe(40);
    expect(entrySize(16, 16, true)).toBe(48);
    expect(entrySize(16, 0xffff, false)).toBe(16 + 0xffff + 8);
    expect(entrySize(16, 0x10000, false)).toBe(16 + 0x10000 + 16);
    expect(entrySize(0x10000, 0, true)).toBe(0x10000 + 24);
  });

  it('stays in place while its block fits', () => {
    const arena = new Arena();
    const ref = create(arena, Buffer.from('key'), Buffer.from('0123456789')); // 21 of 32 bytes
    expect(resizeEntry(arena, ref, 21, 10)).toBe(ref);
    expect(payloadBytes(arena, ref).toString('latin1', 0, 10)).toBe('0123456789');
    expect(resizeEntry(arena, ref, 13, 10)).toBe(ref);
    expect(addExpiry(arena, ref, 99)).toBe(ref);
    expect(payloadBytes(arena, ref).toString('latin1', 0, 10)).toBe('0123456789');
    expect(resizeEntry(arena, ref, 14, 10)).not.toBe(ref);
  });

  it('has no expiry time at first when created with room for one', () => {
    const arena = new Arena();
    expect(expiryOf(arena, create(arena, Buffer.from('k'), Buffer.alloc(0), 0, true))).toBe(NO_EXPIRY);
  });

  it('holds a handle in its payload', () => {
    const arena = new Arena();
    const ref = create(arena, Buffer.from('odd'), Buffer.alloc(4));
    setHandle(arena, ref, 0xfedcba98);
    expect(handleOf(arena, ref)).toBe(0xfedcba98);
  });

  it('grows a large payload byte by byte with few copies', () => {
    const arena = new Arena();
    let ref = create(arena, Buffer.from('k'), Buffer.alloc(100_000));
    let moves = 0;
    for (let size = 100_001; size < 200_000; size++) {
      const grown = resizeEntry(arena, ref, size, size - 1);
      const needed = payloadOffsetOf(arena, grown) + size;
      const capacity = arena.capacityOf(grown);
      if (capacity < needed || capacity > needed * 2) throw new Error(`${capacity} bytes for ${needed}`);
      if (grown !== ref) moves++;
      ref = grown;
    }
    expect(moves).toBeLessThan(4);
  });
});
